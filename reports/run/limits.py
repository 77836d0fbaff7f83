"""Report the limits that runs were asked to hold, and the run length needed to decide the open ones."""

import math
import shlex
from collections.abc import Sequence

from harness.policy.slo import State
from harness.reading.limits import Finding
from harness.units import in_full
from reports.run.model import LimitLine
from reports.run.sides import Side
from reports.shared.model import NextCommand, Tone

_TONES = {State.CERTIFIED: Tone.BETTER, State.BROKEN: Tone.WORSE, State.NOT_CERTIFIED: Tone.MISSING}
_LONGEST_S = 24 * 3600
# The estimate is rough; a margin costs less than a second undecided run.
_RESERVE = 1.1


def limit_lines(sides: Sequence[Side]) -> tuple[LimitLine, ...]:
    """Return one line for each clause of each run, broken ones first."""
    found = sorted(
        ((side, finding) for side in sides for finding in side.judged.slo),
        key=lambda pair: not pair[1].is_broken,
    )
    return tuple(
        LimitLine(
            what=f"{side.label}, {finding.what}" if len(sides) > 1 else finding.what,
            state=str(finding.certificate.state),
            sentence=finding.certificate.sentence,
            tone=_TONES[finding.certificate.state],
        )
        for side, finding in found
    )


def breaks_a_limit(sides: Sequence[Side]) -> bool:
    """Return True if any run broke a limit."""
    return any(finding.is_broken for side in sides for finding in side.judged.slo)


def broken_words(sides: Sequence[Side]) -> str:
    """Return the broken clauses as the end of a sentence; empty where none is broken."""
    broken = dict.fromkeys(finding.what for side in sides for finding in side.judged.slo if finding.is_broken)
    return f" Broken: {'; '.join(broken)}." if broken else ""


def run_to_certify(side: Side) -> NextCommand | None:
    """Return the command of a run long enough to decide the open limits; None where no length would do."""
    plan, document = side.run.document.plan, side.run.document
    factors = [_factor(side, finding) for finding in side.judged.slo]
    duration_s = math.ceil(plan.duration_s * max(factors, default=0.0) * _RESERVE)
    # A trace cannot be extended.
    if not 0 < duration_s <= _LONGEST_S or plan.replayed:
        return None
    words = ["harness", "run", document.scenario, "--target", document.target, *document.shape]
    words += ["--variant", document.variant] if document.variant else []
    words += ["--rate", in_full(plan.rate_per_s)] if plan.executor == "open" else ["--users", f"{plan.users}"]
    words += ["--duration", f"{duration_s}s", *(word for text in document.slos for word in ("--slo", text))]
    return NextCommand(shlex.join(words), "measure for long enough to certify every limit")


def _factor(side: Side, finding: Finding) -> float:
    """Return how many times as long a run would decide an open limit; 0 where it is decided, or no length would do."""
    certificate, measured_s = finding.certificate, side.run.measured_s
    if certificate.more and certificate.calls:
        return 1 + certificate.more / certificate.calls
    return 1 + certificate.more_s / measured_s if certificate.more_s and measured_s else 0.0
