"""Draw the conclusion from what one session shows, or several together: the overall verdict and its exit code."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence

from harness.errors import ExitCode, worst
from harness.judge.verdict import Comparison, Controls, Judgement, Verdict
from harness.policy.policy import Policy
from harness.session.receipt import Suspects

SEVERITY = (Verdict.REGRESSED, Verdict.INVALID, Verdict.INCONCLUSIVE, Verdict.IMPROVED, Verdict.OK)
"""The verdicts on a comparison, the worst first."""


@dataclasses.dataclass(frozen=True, slots=True)
class Findings:
    """The findings on receipts: comparisons, `faults` that forbid a pass, and `reasons` that a reader needs beside them."""

    comparisons: tuple[Comparison, ...]
    controls: Controls
    faults: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    suspects: tuple[Suspects, ...] = ()
    interrupted: bool = False
    cut: bool = False
    """True if a used-up budget left something undecided."""
    troubled: bool = False
    """True if recorded trouble explains missing comparisons."""


def conclude(found: Findings, policy: Policy) -> Judgement:
    """Return the judgement: missing data never passes."""
    compared = any(one.counts and one.verdict in SEVERITY for one in found.comparisons)
    nothing = [] if compared or found.troubled else [_nothing(found.comparisons)]
    faults = (*found.faults, *nothing)
    verdict = _whole(found, faults)
    return Judgement(
        verdict,
        _exit_code(found, policy, verdict),
        found.comparisons,
        found.controls,
        found.suspects,
        (*faults, *found.reasons),
    )


def _nothing(comparisons: Iterable[Comparison]) -> str:
    """Return the message for sessions without any comparison, with the most frequent reason."""
    comparisons = list(comparisons)
    notes = Counter(one.note for one in comparisons)
    if not notes:
        return "Nothing could be compared"
    (note, times), *_ = notes.most_common(1)
    first = next(one.benchmark for one in comparisons if one.note == note)
    more = f" and {times - 1} more" if times > 1 else ""
    return f"Nothing could be compared; every benchmark is new or removed: {first}{more}: {note}"


def _whole(found: Findings, faults: Sequence[str]) -> Verdict:
    """Return the worst verdict that counts; an interrupted, cut or damaged session never passes."""
    verdicts = {comparison.counts_as for comparison in found.comparisons if comparison.counts}
    if faults:
        verdicts.add(Verdict.INVALID)
    if found.interrupted or found.cut:
        verdicts.add(Verdict.INCONCLUSIVE)
    return next((verdict for verdict in SEVERITY if verdict in verdicts), Verdict.INVALID)


def _exit_code(found: Findings, policy: Policy, verdict: Verdict) -> ExitCode:
    codes = {
        Verdict.REGRESSED: ExitCode.LIMIT_BROKEN,
        Verdict.INVALID: ExitCode.INVALID,
        Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE if policy.strict else ExitCode.OK,
    }
    verdicts = {verdict, *(comparison.counts_as for comparison in found.comparisons if comparison.counts)}
    return worst((codes.get(one, ExitCode.OK) for one in verdicts), interrupted=found.interrupted)
