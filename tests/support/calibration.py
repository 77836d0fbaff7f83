"""Outcomes of calibration sessions that nobody has to wait for."""

from harness.calibrate.card import CalibrationOutcome, SessionOutcome
from harness.judge.verdict import Verdict


def outcome(trial="same", *verdicts, gate="now", **fields):
    """Return what a session of `trial` said: one verdict for each benchmark, `ok` of one unless they are given."""
    said = [
        CalibrationOutcome(
            benchmark=f"b{place}", verdict=verdict, metric="wall", change=0.001, added=0.0, seconds=4.0
        )
        for place, verdict in enumerate(verdicts or [Verdict.OK])
    ]
    facts = {
        "trial": trial, "gate": gate, "receipt": "same-1", "seconds": 10.0, "outcomes": said,
        "null_clean": True, "bad_blocks": 0.0, "load_average": 1.0, "finished_at": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    return SessionOutcome(**(facts | fields))
