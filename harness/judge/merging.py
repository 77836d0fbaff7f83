"""Judge several receipts together: the shards of one gate, or the same gate on several machines.

Shards are one comparison: their candidates share one false alarm rate, each shard has its own controls, and a missing
one is missing data. Machines are several answers to one question: a benchmark regressed where all of them say so, or
where one does and no interval reaches below the margin. Counts need no second opinion: there the worst answer holds.
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

import msgspec

from harness import environment
from harness.judge.alike import listed
from harness.judge.candidates import Candidates
from harness.judge.conclusion import SEVERITY, Findings, conclude
from harness.judge.judge import examine
from harness.judge.looks import load_candidates, micro_candidates
from harness.judge.verdict import Comparison, Controls, Judgement, Kind, Verdict
from harness.policy.policy import Policy
from harness.session.receipt import Receipt, Shard
from harness.session.shards import share_of

Unite = Callable[[Sequence[tuple[str, Comparison]]], Comparison]


def judge_together(receipts: Sequence[Receipt], policy: Policy) -> Judgement:
    """Return the judgement on receipts that `alike.require_alike` accepts; of one without a shard, the same as `judge`."""
    shards = [receipt.shard for receipt in receipts if receipt.shard]
    labels = [one.label for one in shards] or [f"machine {number}" for number in range(1, len(receipts) + 1)]
    examined = _sharing_alpha(receipts, policy) if shards else [examine(one, policy) for one in receipts]
    if len(receipts) == 1 and not shards:
        return conclude(examined[0], policy)
    named = dict(zip(labels, examined, strict=True))
    found = Findings(
        _united(named, _worst if shards else _agreed),
        _controls(named),
        (*_missing(shards), *_labelled({label: one.faults for label, one in named.items()})),
        (*_labelled({label: one.reasons for label, one in named.items()}), *_machines(receipts, labels)),
        tuple(itertools.chain.from_iterable(one.suspects for one in examined)),
        interrupted=any(one.interrupted for one in examined),
        cut=any(one.cut for one in examined),
        troubled=any(one.troubled for one in examined),
    )
    return conclude(found, policy)


def merged_receipt(receipts: Sequence[Receipt], command: str) -> Receipt:
    """Return what the receipts hold together, for showing it, and for checking a policy. No verdict rests on it."""
    first = receipts[0]
    if len(receipts) == 1 and first.shard is None:
        return first
    chain = itertools.chain.from_iterable
    return msgspec.structs.replace(
        first,
        command=command,
        suites=list(dict.fromkeys(chain(one.suites for one in receipts))),
        environment=_common([one.environment for one in receipts]),
        shard=None,
        benchmarks=list({one.name: one for one in chain(one.benchmarks for one in receipts)}.values()),
        blocks=list(chain(one.blocks for one in receipts)),
        load_blocks=list(chain(one.load_blocks for one in receipts)),
        counts=list(chain(one.counts for one in receipts)),
        load=next((one.load for one in receipts if one.load), None),
        finished=all(one.finished for one in receipts),
        trouble=[],
        notes=[],
        harness_seconds=sum(one.harness_seconds for one in receipts),
    )


def _sharing_alpha(receipts: Sequence[Receipt], policy: Policy) -> list[Findings]:
    """Return the findings of each shard, with the candidates of all shards taken into account."""
    micro = _together([micro_candidates(one, policy) for one in receipts], policy)
    load = _together([load_candidates(one, policy) for one in receipts], policy)
    return [
        examine(receipt, policy, *candidates)
        for receipt, *candidates in zip(receipts, micro, load, strict=True)
    ]


def _together(found: Sequence[Candidates], policy: Policy) -> list[Candidates]:
    fresh = [one.fresh() for one in found]
    return [
        dataclasses.replace(
            one,
            alpha=policy.alpha_percent / 100,
            others=_others(fresh[:place], 0) | _others(fresh[place + 1 :], place + 1),
        )
        for place, one in enumerate(found)
    ]


def _others(fresh: Sequence[Mapping[Hashable, float]], first: int) -> dict[Hashable, float]:
    return {(place, key): value for place, one in enumerate(fresh, first) for key, value in one.items()}


def _missing(shards: Sequence[Shard]) -> list[str]:
    if not shards:
        return []
    made = {one.number for one in shards}
    lost = [one for one in range(1, shards[0].count + 1) if one not in made]
    return [
        f"Shard {number}/{shards[0].count} is missing, and with it {listed(sorted(share_of(msgspec.structs.replace(shards[0], number=number))))}"
        for number in lost
    ]


def _labelled(said: Mapping[str, Iterable[str]]) -> list[str]:
    """Return each sentence once: as it is if all say it, else with the labels of those that do."""
    by_text: dict[str, list[str]] = {}
    for label, sentences in said.items():
        for sentence in dict.fromkeys(sentences):
            by_text.setdefault(sentence, []).append(label)
    return [
        text if len(labels) == len(said) else f"{', '.join(labels)}: {text}"
        for text, labels in by_text.items()
    ]


def _controls(named: Mapping[str, Findings]) -> Controls:
    """Return the controls of all sessions; the figures are those of the session whose A/A check is nearest to failing."""
    controls = {label: one.controls for label, one in named.items()}
    shown = min(
        controls.values(), key=lambda one: (one.null_clean, 1.0 if one.null_p is None else one.null_p)
    )
    return dataclasses.replace(
        shown,
        null_clean=all(one.null_clean for one in controls.values()),
        bad_blocks=max(one.bad_blocks for one in controls.values()),
        reasons=tuple(_labelled({label: one.reasons for label, one in controls.items()})),
    )


def _united(named: Mapping[str, Findings], unite: Unite) -> tuple[Comparison, ...]:
    by_key: dict[tuple[str, str, bool], list[tuple[str, Comparison]]] = {}
    for label, one in named.items():
        for comparison in one.comparisons:
            key = comparison.benchmark, comparison.metric, comparison.kind is Kind.LIMIT
            by_key.setdefault(key, []).append((label, comparison))
    return tuple(found[0][1] if len(found) == 1 else unite(found) for found in by_key.values())


def _severity(comparison: Comparison) -> int:
    return SEVERITY.index(comparison.verdict) if comparison.verdict in SEVERITY else len(SEVERITY)


def _worst(found: Sequence[tuple[str, Comparison]]) -> Comparison:
    """Return the worst answer, with the sessions that gave it."""
    label, worst = min(found, key=lambda one: _severity(one[1]))
    if all(other.verdict is worst.verdict for _, other in found):
        return worst
    return _with_note(worst, f"this is {label}, the worst of {len(found)} answers")


def _agreed(found: Sequence[tuple[str, Comparison]]) -> Comparison:
    """Return the answer of several machines, with the widest interval of theirs."""
    if found[0][1].kind is Kind.EXACT:
        return _worst(found)
    verdicts = Counter(one.verdict for _, one in found)
    wide = _widest([one for _, one in found])
    if len(verdicts) == 1:
        return wide
    answers = "; ".join(f"{label}: {_answer(one)}" for label, one in found)
    if Verdict.INVALID in verdicts:
        return _with_note(dataclasses.replace(wide, verdict=Verdict.INVALID), answers)
    if verdicts.keys() <= {Verdict.OK, Verdict.IMPROVED}:
        return _with_note(dataclasses.replace(wide, verdict=Verdict.OK), answers)
    if Verdict.REGRESSED in verdicts and _is_above_margin(wide):
        return _with_note(dataclasses.replace(wide, verdict=Verdict.REGRESSED), answers)
    return _with_note(
        dataclasses.replace(wide, verdict=Verdict.INCONCLUSIVE), f"the machines differ: {answers}"
    )


def _answer(one: Comparison) -> str:
    return str(one.verdict) if one.change is None else f"{one.verdict} ({one.change:+.1%})"


def _is_above_margin(wide: Comparison) -> bool:
    # More is not worse for every metric: a regression whose interval lies below zero is one of throughput.
    if wide.low is None or wide.high is None or wide.margin is None:
        return False
    return wide.low >= wide.margin or (wide.metric == "throughput" and wide.high <= -wide.margin)


def _widest(found: Sequence[Comparison]) -> Comparison:
    """Return the answer with the smallest change, and the interval that holds those of all; none if one has none."""
    shown = min(found, key=lambda one: abs(one.change or 0.0))
    lows, highs = [one.low for one in found], [one.high for one in found]
    low = None if None in lows else min(one for one in lows if one is not None)
    high = None if None in highs else max(one for one in highs if one is not None)
    ps = [one.p for one in found if one.p is not None]
    return dataclasses.replace(
        shown,
        low=low,
        high=high,
        p=max(ps) if len(ps) == len(found) else None,
        counts=any(one.counts for one in found),
        accepted=next((one.accepted for one in found if one.accepted), None),
    )


def _with_note(comparison: Comparison, note: str) -> Comparison:
    return dataclasses.replace(comparison, note="; ".join(filter(None, (comparison.note, note))))


def _machines(receipts: Sequence[Receipt], labels: Sequence[str]) -> list[str]:
    """Return in what the machines differ, each from the first."""
    first = receipts[0].environment
    return [
        f"{label} differs from {labels[0]} in {', '.join(differing)}"
        for label, other in zip(labels[1:], receipts[1:], strict=True)
        if (differing := environment.explained(first, other.environment))
    ]


def _common(environments: Sequence[dict[str, object]]) -> dict[str, object]:
    first, *others = environments
    return {
        name: value if all(one.get(name) == value for one in others) else "differs between the receipts"
        for name, value in first.items()
    }
