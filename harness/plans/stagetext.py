"""Parse stages as typed: `10/s for 30s, ramp to 200/s in 1m, 200/s for 2m`.

A part is `RATE for SPAN`, `ramp to RATE in SPAN` (from the rate of the previous part, initially 0) or `hold for SPAN`;
a label with a colon may precede it, and `warm-up` follow it: `fill: 10/s for 5s warm-up`.
"""

import re

from harness.errors import UsageError
from harness.model import Stage
from harness.units import format_rate, parse_duration_s

_PART = re.compile(
    r"(?:(?P<label>[^:,]+?)\s*:\s*)?"
    r"(?:(?P<rate>\d+(?:\.\d+)?)(?:/s)?\s+for|ramp\s+to\s+(?P<top>\d+(?:\.\d+)?)(?:/s)?\s+in|(?P<hold>hold)\s+for)"
    r"\s+(?P<span>\S+)(?P<warmup>\s+warm-?up)?"
)
_EXAMPLE = "Write them like '10/s for 30s, ramp to 200/s in 1m, hold for 2m'"


def read_stages(text: str) -> tuple[float, tuple[Stage, ...]]:
    """Return the highest rate per second of the stages, and the stages in multiples of it with seconds as shares.

    Raises `UsageError` for other text.
    """
    stages: list[Stage] = []
    rate_per_s = 0.0
    for part in text.split(","):
        stages.append(_stage(part.strip(), rate_per_s))
        rate_per_s = stages[-1].end
    if [stage.warmup for stage in stages] != sorted((stage.warmup for stage in stages), reverse=True):
        raise UsageError(f"Warm-up must come first in '{text}'", remedy=_EXAMPLE)
    measured = [stage for stage in stages if not stage.warmup]
    highest = max((max(stage.start, stage.end) for stage in measured), default=0.0)
    if not highest:
        raise UsageError(f"'{text}' makes no calls", remedy=_EXAMPLE)
    return highest, tuple(
        Stage(stage.label, stage.share, stage.start / highest, stage.end / highest, warmup=stage.warmup)
        for stage in stages
    )


def _stage(text: str, before_per_s: float) -> Stage:
    found = _PART.fullmatch(text)
    if found is None:
        raise UsageError(f"'{text}' is not a stage", remedy=_EXAMPLE)
    seconds = parse_duration_s(found["span"])
    if not seconds:
        raise UsageError(f"'{text}' has a duration of zero", remedy=_EXAMPLE)
    end = float(found["top"] or found["rate"] or before_per_s)
    start = before_per_s if found["top"] else end
    label = found["label"] or (
        f"{format_rate(start).removesuffix('/s')} to {format_rate(end)}" if found["top"] else format_rate(end)
    )
    return Stage(label, seconds, start, end, warmup=bool(found["warmup"]))
