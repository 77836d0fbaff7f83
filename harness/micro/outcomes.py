"""How tests and their files end, as pytest means it: a plugin for the programs that run a suite.

Run by its path from those programs; imports nothing of the harness, because the suite may measure a tree of that name.
A test is `passed`, `failed`, `skipped` or `xfailed`; a file is skipped, or cannot be imported.
"""

from typing import Any

Outcome = tuple[str, str]
"""One of the words above, and why."""


class Outcomes:
    """Keeps how the test that runs now ends, and which files have no tests to run."""

    def __init__(self) -> None:
        self.errors: dict[str, str] = {}
        """Node ids of what cannot be imported, with the reason."""
        self.skipped: dict[str, str] = {}
        """Node ids of the files that skip themselves, with the reason."""
        self.ended: Outcome = ("passed", "")
        """How the test ended that began last."""
        self._raised = ""

    def pytest_collectreport(self, report: Any) -> None:
        """Keep why a file has no tests."""
        if report.failed:
            self.errors[report.nodeid] = last_line(str(report.longrepr))
        elif report.skipped:
            self.skipped[report.nodeid] = why_skipped(report)

    def pytest_runtest_logstart(self) -> None:
        """Begin a test."""
        self.ended = ("passed", "")

    def pytest_runtest_makereport(self, call: Any) -> None:
        """Keep what was raised, for the report that pytest makes of it next."""
        self._raised = told(call.excinfo.exconly()) if call.excinfo is not None else ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Keep the first thing that went wrong; a teardown that fails is worse than a skip before it."""
        outcome = outcome_of(report, self._raised)
        if self.ended[0] == "passed" or (outcome[0] == "failed" and self.ended[0] != "failed"):
            self.ended = outcome


def outcome_of(report: Any, raised: str) -> Outcome:
    """Return how one part of a test ended, as pytest's report says; `raised` is the exception in one line."""
    if report.skipped and hasattr(report, "wasxfail"):
        return "xfailed", str(report.wasxfail).removeprefix("reason: ") or raised
    if report.skipped:
        return "skipped", why_skipped(report)
    if report.failed:
        # A test that passes although it must fail has raised nothing.
        return "failed", raised or last_line(str(report.longrepr))
    return "passed", ""


def why_skipped(report: Any) -> str:
    """Return the reason of a skip, without the word that pytest puts before it."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(reason).removeprefix("Skipped: ") or "no reason is given"


def told(text: str) -> str:
    """Return the line of an exception that has its type and message; that of a syntax error comes last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [""]
    return lines[-1] if lines[0].startswith("File ") else lines[0]


def last_line(text: str) -> str:
    """Return the last line with words in it, without pytest's margin."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("E ").strip() if lines else ""
