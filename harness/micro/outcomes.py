"""Record the outcomes of tests and their files in pytest's terms: a plugin for the programs that run a suite.

Those programs run it by its path; it imports nothing of the harness, because the suite may measure a tree of that name.
A test is `passed`, `failed`, `skipped` or `xfailed`; a file is skipped, or cannot be imported.
"""

from typing import Any

Outcome = tuple[str, str]
"""One of the words above, and the reason."""


class Outcomes:
    """Keeps the outcome of the running test, and the files without tests to run."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}
        """Node ids of files that cannot be imported, with the reason."""
        self.skipped: dict[str, str] = {}
        """Node ids of files that skip themselves, with the reason."""
        self.ended: Outcome = ("passed", "")
        """Outcome of the test that began last."""
        self._raised = ""

    def pytest_collectreport(self, report: Any) -> None:
        """Record why a file has no tests."""
        if report.failed:
            self.errors[report.nodeid] = last_line(str(report.longrepr))
        elif report.skipped:
            self.skipped[report.nodeid] = why_skipped(report)

    def pytest_runtest_logstart(self) -> None:
        """Reset the outcome for a new test."""
        self.ended = ("passed", "")

    def pytest_runtest_makereport(self, call: Any) -> None:
        """Keep the exception, for the report that pytest makes of it next."""
        self._raised = told(call.excinfo.exconly()) if call.excinfo is not None else ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the first error; a teardown that fails is worse than a skip before it."""
        outcome = outcome_of(report, self._raised)
        if self.ended[0] == "passed" or (outcome[0] == "failed" and self.ended[0] != "failed"):
            self.ended = outcome


def outcome_of(report: Any, raised: str) -> Outcome:
    """Return the outcome of one part of a test from pytest's report; `raised` is the exception in one line."""
    if report.skipped and hasattr(report, "wasxfail"):
        return "xfailed", str(report.wasxfail).removeprefix("reason: ") or raised
    if report.skipped:
        return "skipped", why_skipped(report)
    if report.failed:
        # A test that passes although it must fail has raised nothing.
        return "failed", raised or last_line(str(report.longrepr))
    return "passed", ""


def why_skipped(report: Any) -> str:
    """Return the reason of a skip, without pytest's prefix."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(reason).removeprefix("Skipped: ") or "no reason given"


def told(text: str) -> str:
    """Return the line of an exception with its type and message; that of a syntax error comes last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    return lines[-1] if lines[0].startswith("File ") else lines[0]


def last_line(text: str) -> str:
    """Return the last non-empty line, without pytest's margin."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("E ").strip() if lines else ""
