"""The progress of a calibration on disk: a folder for each session, and one line for its outcome."""

import math
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from harness.calibrate.card import SessionOutcome
from harness.calibrate.effects import Trial
from harness.errors import InvalidRunError
from harness.session.receipt_file import NAME
from harness.storage import files
from harness.storage.folder import CALIBRATION, finish, make


class CalibrationState:
    """The sessions of a calibration in `folder`; an interrupted one has a folder and no line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines = folder / "sessions.jsonl"

    def outcomes(self) -> list[SessionOutcome]:
        """Return every finished session, the oldest first; truncated lines are skipped."""
        if not self._lines.exists():
            return []
        return list(_decoded(_content(self._lines)))

    def add(self, outcome: SessionOutcome) -> None:
        """Store the outcome of a session."""
        finish(self.folder / outcome.receipt, CALIBRATION)
        with self._lines.open("ab") as file:
            # Begin a new line, even after an incomplete one.
            file.write(b"\n" + msgspec.json.encode(outcome) + b"\n")

    def new_folder(self, trial: Trial) -> Path:
        """Make the folder of a new session. Raises `HarnessError` if that fails."""
        folder = self.folder / f"{trial.name.replace('%', '')}-{secrets.token_hex(3)}"
        make(folder, CALIBRATION, "calibration's folder", "--state")
        return folder

    def receipt_of(self, outcome: SessionOutcome) -> Path:
        """Return the path of a session's receipt."""
        return self.folder / outcome.receipt / NAME


def left_to_do(trials: Sequence[Trial], done: Sequence[SessionOutcome], gate: str) -> list[Trial]:
    """Return the missing sessions, in the order of the trials; those of another state of the gate do not count."""
    made = Counter(outcome.trial for outcome in done if outcome.gate == gate)
    return [trial for trial in trials for _ in range(sessions_of(trial) - made[trial.name])]


def sessions_of(trial: Trial) -> int:
    """Return the number of sessions of a trial."""
    return math.ceil(trial.comparisons / trial.comparisons_of_session)


def _content(path: Path) -> bytes:
    try:
        return files.read_bytes(path)
    except OSError as error:
        raise InvalidRunError(
            f"The calibration's sessions cannot be read: {error.strerror}",
            where=str(path),
            remedy="Name another folder with --state",
        ) from error


def _decoded(content: bytes) -> Iterator[SessionOutcome]:
    for line in content.splitlines():
        try:
            yield msgspec.json.decode(line, type=SessionOutcome)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
