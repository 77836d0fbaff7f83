"""Judge answers after the second stamp: a call has completed, failed or timed out.

A target with its own `outcome` judges its answers. The answers of any other target are judged by their HTTP status, if
they have one: a mapping's key or an object's attribute `status_code` or `statusCode`, or `status` beside headers or a
body. An answer without a status has completed.
"""

import inspect
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from harness.model import ExplainsFailures, JudgesResults, Outcome
from harness.profiles.stacks.frames import relative_path
from harness.requests.statuses import STATUSES, read_statuses

EXPECT_STATUS = "expect-status"
"""SPEC parameter with the statuses that do not count as failures; it is not passed to the factory."""
USUAL = frozenset(range(100, 400))
_BESIDE_A_STATUS = ("headers", "body", "data")
_COMPLETED, _FAILED = int(Outcome.COMPLETED), int(Outcome.FAILED)
_CODES = {label: int(one) for one in Outcome if one.returned for label in (one.label, one)}
# The driver ends calls with these exceptions. gevent's is named by text: some processes do not import gevent.
_OF_THE_DRIVER = frozenset({"KeyboardInterrupt", "GeneratorExit", "GreenletExit"})
_MOST_TYPES = 1_000
_OF_LAMBDA = 0
"""Status that stands for an AWS answer which reports that the function raised."""

Reader = Callable[[Any], int | None]
"""Function from an answer to its status; None for an answer without a status."""


class Judge:
    """Judge of the answers of one target. It never raises for a fault of the target's own code; the fault is in `fault`.

    `passed` are types whose every answer has completed, so that the hot path skips judging them.
    """

    def __init__(
        self,
        decide: Callable[[Any], int],
        explain: Callable[[Any], str],
        passed: set[type] | None = None,
        rule: Callable[[], str] = str,
    ) -> None:
        self.decide = decide
        """Return the number of the outcome. Raises whatever the target's `outcome` raises: pass that to `blamed`."""
        self._explain = explain
        self.rule = rule
        """Return the rule by which answers were judged so far, as a sentence; empty if the target judges its own answers."""
        self.passed: set[type] = set() if passed is None else passed
        self.first_byte_ns: Callable[[Any], int] | None = None
        """Function from an answer to the ns from the start of its call to its first byte, 0 without one; None if no answer knows."""
        self.fault = ""
        """First fault of the target's `outcome` or `failure`, as a sentence; empty without a fault."""
        self.on_fault: Callable[[], None] = lambda: None
        """Callback for the moment at which `fault` is set."""

    def __call__(self, answer: Any, operation: str = "") -> int:
        """Return the number of the outcome."""
        try:
            return self.decide(answer)
        except BaseException as error:  # noqa: BLE001 - the target's code; `blamed` passes on the driver's own exceptions
            return self.blamed("outcome", operation, error)

    def reason(self, answer: Any, operation: str = "") -> str:
        """Return the reason why an answer is a failure: a short text, the same for all answers of one kind."""
        if self.fault:
            return "answered, but the answer could not be judged"
        try:
            return str(self._explain(answer))
        except BaseException as error:  # noqa: BLE001 - as above
            self.blamed("failure", operation, error)
            return ""

    def blamed(self, method: str, operation: str, error: BaseException) -> int:
        """Note an exception of a method of the target, and return the outcome of the call that it failed to judge."""
        if type(error).__name__ in _OF_THE_DRIVER:
            raise error
        of = f" of operation '{operation}'" if operation else ""
        self.blame(f"The target's {method}(result) cannot judge an answer{of}: {_told(error)}")
        return _FAILED

    def blame(self, sentence: str) -> None:
        """Note a fault of the target that ends the run. Only the first fault is kept."""
        if not self.fault:
            self.fault = sentence
            self.on_fault()


class NoOutcomeError(TypeError):
    """Error of a target's `outcome` that did not return an outcome; `where` is the function that returned the value."""

    def __init__(self, answer: object, where: str) -> None:
        super().__init__(f"it returned {answer!r:.60}, not 'completed', 'failed' or 'timed_out'")
        self.where = where


def judge_of(target: object, expected: frozenset[int]) -> Judge:
    """Return the judge of the answers of `target`; answers with a status outside `expected` have failed."""
    explain = target.failure if isinstance(target, ExplainsFailures) else None
    if isinstance(target, JudgesResults):
        return Judge(_own(target.outcome), explain or (lambda _answer: ""))
    by_status = ByStatus(expected)
    return Judge(by_status.decide, explain or by_status.reason, by_status.passed, by_status.rule)


def _own(outcome: Callable[[Any], Any]) -> Callable[[Any], int]:
    def decide(answer: Any) -> int:
        said = outcome(answer)
        code = _CODES.get(said) if isinstance(said, str | Outcome) else None
        if code is None:
            raise NoOutcomeError(said, _place_of(outcome))
        return code

    return decide


class ByStatus:
    """Judge by status; `passed` grows with the types of answers that cannot have a status."""

    def __init__(self, expected: frozenset[int]) -> None:
        self._expected = expected
        self._readers: dict[type, Reader] = {}
        self._has_seen_one = False
        self.passed: set[type] = {type(None), str, bytes, int, float, bool, list, tuple}

    def decide(self, answer: Any) -> int:
        """Return the number of the outcome."""
        read = self._readers.get(type(answer)) or self._reader(type(answer))
        try:
            status = read(answer)
        except Exception:  # noqa: BLE001 - the answer's own code; an unreadable status counts as none
            return _COMPLETED
        if status is None:
            return _COMPLETED
        self._has_seen_one = True
        return _COMPLETED if status in self._expected else _FAILED

    def reason(self, answer: Any) -> str:
        """Return the reason why an answer has failed."""
        status = self._reader(type(answer))(answer)
        return f"answered {status or _lambda_error(answer)}"

    def rule(self) -> str:
        """Return the rule as a sentence; empty until an answer had a status."""
        return rule_of(self._expected) if self._has_seen_one else ""

    def _reader(self, kind: type) -> Reader:
        read = _reader(kind)
        if read is _of_nothing and len(self.passed) < _MOST_TYPES:
            self.passed.add(kind)
        if len(self._readers) < _MOST_TYPES:
            self._readers[kind] = read
        return read


def _reader(kind: type) -> Reader:
    """Return the function that reads the status from answers of a type."""
    if issubclass(kind, Mapping):
        return _of_mapping
    has_own = kind.__dictoffset__ != 0 or hasattr(kind, "__getattr__")
    named = any(hasattr(kind, name) for name in ("status_code", "statusCode", "status"))
    return _of_attributes if has_own or named else _of_nothing


def _of_nothing(_answer: Any) -> None:
    return None


def _of_mapping(answer: Mapping[Any, Any]) -> int | None:
    get = answer.get
    if (found := get("statusCode")) is not None and (status := _number(found, in_words=True)):
        return status
    if (found := get("status_code")) is not None and (status := _number(found)):
        return status
    if (found := get("status")) is not None and (status := _number(found)):
        return status if any(name in answer for name in _BESIDE_A_STATUS) else None
    if get("errorType") is None and get("FunctionError") is None:
        return None
    return _OF_LAMBDA if _lambda_error(answer) else None


def _of_attributes(answer: Any) -> int | None:
    if (found := getattr(answer, "status_code", None)) is not None and (status := _number(found)):
        return status
    if (found := getattr(answer, "statusCode", None)) is not None and (
        status := _number(found, in_words=True)
    ):
        return status
    if (found := getattr(answer, "status", None)) is not None and (status := _number(found)):
        return status if any(hasattr(answer, name) for name in _BESIDE_A_STATUS) else None
    return None


def _number(found: object, *, in_words: bool = False) -> int | None:
    if type(found) is int:
        return found if 100 <= found < 600 else None
    if isinstance(found, int) and not isinstance(found, bool):
        return int(found) if found in STATUSES else None
    if in_words and isinstance(found, str) and len(found) == 3 and found.isascii() and found.isdigit():
        return int(found) if int(found) in STATUSES else None
    return None


def _lambda_error(answer: Mapping[Any, Any]) -> str:
    """Return the error that a Lambda function's answer reports, as AWS writes it; empty for any other answer."""
    if isinstance(error := answer.get("FunctionError"), str) and error:
        return f"FunctionError {error:.60}"
    kind = answer.get("errorType")
    has_both = isinstance(kind, str) and isinstance(answer.get("errorMessage"), str)
    return f"errorType {kind:.60}" if has_both else ""


def read_expected(words: object) -> frozenset[int]:
    """Return the statuses in `words`: numbers and spans such as `200-399`, in a collection or separated by commas.

    If all of them are 4xx and 5xx, the statuses below 400 are added; else the result is exactly those named. Raises
    `ValueError` for anything else.
    """
    found = read_statuses(words)
    return found if not found or found & USUAL else found | USUAL


def rule_of(expected: frozenset[int]) -> str:
    """Return the rule by which answers with a status are judged, as a sentence."""
    failed = (
        "4xx and 5xx count as failed" if expected == USUAL else f"all but {_spans(expected)} count as failed"
    )
    return f"answers are judged by their status code: {failed}"


def _spans(statuses: frozenset[int]) -> str:
    spans: list[list[int]] = []
    for status in sorted(statuses):
        if spans and spans[-1][1] == status - 1:
            spans[-1][1] = status
        else:
            spans.append([status, status])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in spans)


def _told(error: BaseException) -> str:
    if isinstance(error, NoOutcomeError):
        return f"{error}{error.where}"
    frame, line = list(traceback.walk_tb(error.__traceback__))[-1]
    code = frame.f_code
    place = "" if code.co_filename == __file__ else f" ({relative_path(code.co_filename)}:{line})"
    return f"it raised {type(error).__name__}: {_text(error)}{place}"


def _text(error: BaseException) -> str:
    try:
        return f"{error!s:.200}"
    except Exception:  # noqa: BLE001 - the target's own class
        return "(without a message)"


def _place_of(function: Callable[..., Any]) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f" ({relative_path(code.co_filename)}:{code.co_firstlineno})" if code else ""
