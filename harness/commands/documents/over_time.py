"""The documents of work over time: `harness history`, `bisect` and `index`."""

from typing import Any, NotRequired, TypedDict

from harness.bisect.document import Answer
from harness.commands.documents.parts import Document, Error, extended
from harness.history.document import Course
from harness.history.document import History as Courses
from harness.index.document import Index as Entries

_ERROR = {"error": NotRequired[Error]}
CourseOfHistory: Any = extended(
    "CourseOfHistory", Course, {"change": float, "low": float, "high": float, "commit": str, "standing": str}
)
History: Any = extended(
    "History",
    Courses,
    {"report": str | None, "sentence": str, "exit_code": int, **_ERROR},
    courses=list[CourseOfHistory],
)
Found: Any = extended("Found", Answer, {"schema": int, "dir": str, "exit_code": int, **_ERROR})
Index: Any = extended("Index", Entries, {"report": str, **_ERROR})


class AddedSession(TypedDict):
    """A session in the ledger; `withheld` says why its times were not added."""

    receipt: str
    lines: int
    withheld: str


class NotAdded(TypedDict):
    """A session that could not be added, and the reason."""

    receipt: str
    error: str


class Additions(Document):
    """Sessions added to a ledger: `harness history add`."""

    history: str
    added: list[AddedSession]
    failed: list[NotAdded]
