"""Certify limits from counts alone.

    (clause,) = parse("p99<25ms")
    certificate = certify(clause, [limit_count])
    print(certificate.state, certificate.sentence)

A share is certified with the bound of Clopper and Pearson on effective counts (Korn and Graubard 1998): `p99<25ms` says
that the true share of calls over 25 ms is below 1 %. The calls of a queue exceed a limit together, so the counts by
stretch of time say as how many independent calls they tell. Three rules make up for clusters that a run did not meet:

- Fewer than five stretches with an exceeding call tell no clusters. Then the clause is certified only if it would be with
  single calls more, until five stretches exceed; and it is broken only if stretches that are each one trial break it.
- A latency is certified only if also the slowest calls (the share that the clause allows) lie in five stretches, and
  with their design effect where it is the larger: it is known even where no call is over the limit.
- At least thirty calls must be allowed beyond the limit (3,000 calls for p99): fewer would miss groups of five.

A rate is certified with Student's interval of the rates of the stretches: it holds for arrivals at random and for a
queue, whose completions are more regular. `tests/simulations/slo_clusters.py` shows how often each is wrong.
"""

import dataclasses
import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TypeVar

from harness.policy.slo import STRETCHES, Clause, LimitCount, SloMetric, State
from harness.stats.clusters import Spread, Stretch, spread
from harness.stats.proportion import fewest_trials, lower_bound, upper_bound
from harness.stats.student import student_quantile
from harness.units import format_ns, format_percent, format_rate

CONFIDENCE = 0.95
LEAST_ALLOWED = 30
"""Calls that must be allowed beyond a limit before it can be certified."""
FEWEST_CLUSTERS = 5
"""Stretches with an exceeding call from which clusters can be told."""
_MISSED_GROUP = 6
_Number = TypeVar("_Number", int, float)


@dataclasses.dataclass(frozen=True, slots=True)
class Certificate:
    """The result of a clause with its evidence. `low` and `high` bound the true share of breaking calls, each at 95 %.

    `more` is the number of further calls that would certify the clause at the same rate; None where no number would.
    `effective` is the number of independent calls that would tell as much; None of a throughput and without counts.
    `variance` is that of `exceeding`, and `slow_effect` the design effect of the slowest calls. Of a limit on growth no calls are
    counted, `low` and `high` bound the growth per hour, and `more_s` is the further time that would decide it.
    """

    clause: Clause
    state: State
    calls: int
    exceeding: int
    low: float | None
    high: float | None
    more: int | None
    sentence: str
    effective: float | None = None
    variance: float = 0.0
    slow_effect: float = 1.0
    more_s: float | None = None


def certify(clause: Clause, counts: Sequence[LimitCount]) -> Certificate:
    """Return the certificate of `clause` from the counts of one run, or of several under the same conditions.

    Certifies nothing without calls, from counts that are impossible, or from those that were made before stretches of
    time were counted.
    """
    calls, exceeding = sum(one.calls for one in counts), sum(one.exceeding for one in counts)
    if reason := _useless(counts, calls):
        sentence = f"{State.NOT_CERTIFIED}: {reason}"
        return Certificate(clause, State.NOT_CERTIFIED, calls, exceeding, None, None, None, sentence)
    counted = [one for one in counts if one.calls]
    if clause.metric is SloMetric.THROUGHPUT:
        return _certify_throughput(clause, counted, calls, exceeding)
    return _Share(clause, calls, exceeding, _exceeding(counted), _slowest(clause, counted)).certificate()


def _calls_to_certify(share: float, rate: float, effect: float) -> int | None:
    if rate >= share or not math.isfinite(effect):
        return None

    def enough(calls: int) -> bool:
        if calls * share < LEAST_ALLOWED:
            return False
        exceeding = max(rate * calls, min(FEWEST_CLUSTERS, calls))
        return upper_bound(exceeding / effect, calls / effect, CONFIDENCE) <= share

    return fewest_trials(enough)


def _useless(counts: Sequence[LimitCount], calls: int) -> str:
    if calls == 0:
        return "no calls"
    for one in counts:
        if not 0 <= one.exceeding <= one.calls:
            return f"{one.exceeding} of {one.calls} calls is impossible"
        if one.calls and not one.stretches:
            return "the record has no counts by stretch of time, so clusters of calls cannot be told; measure again"
        if one.calls and not _adds_up(one):
            return "the counts by stretch of time do not add up to the calls"
    return ""


def _adds_up(count: LimitCount) -> bool:
    parts = count.stretches
    possible = all(
        0 <= part.exceeding <= part.calls and sum(part.slow.values()) <= part.calls for part in parts
    )
    totals = (sum(part.calls for part in parts), sum(part.exceeding for part in parts))
    return possible and totals == (count.calls, count.exceeding)


def _merged(counts: Sequence[LimitCount], values: Sequence[Sequence[_Number]]) -> list[_Number]:
    """Return the sums of `values`, given by count and stretch, over about twenty stretches.

    These are as long as can be, several neighbours together, since neighbours should not share a cluster.
    """
    made = []
    for count, each in zip(counts, values, strict=True):
        pieces = min(math.ceil(STRETCHES / len(counts)), len(count.stretches))
        cuts = [piece * len(each) // pieces for piece in range(pieces + 1)]
        made += [sum(each[low:high]) for low, high in itertools.pairwise(cuts)]
    return made


def _stretches(counts: Sequence[LimitCount], values: Sequence[Sequence[int]]) -> list[Stretch]:
    calls = _merged(counts, [[part.calls for part in count.stretches] for count in counts])
    return [Stretch(*one) for one in zip(calls, _merged(counts, values), strict=True)]


def _exceeding(counts: Sequence[LimitCount]) -> list[Stretch]:
    return _stretches(counts, [[part.exceeding for part in count.stretches] for count in counts])


def _slowest(clause: Clause, counts: Sequence[LimitCount]) -> list[Stretch]:
    """Return the slowest calls by stretch: at least the share that the clause allows. Empty of a clause on errors."""
    by_step: Counter[int] = Counter()
    for count in counts:
        for part in count.stretches:
            by_step.update(part.slow)
    wanted = math.ceil(clause.share * sum(count.calls for count in counts))
    steps = sorted(by_step, reverse=True)
    slower = itertools.accumulate(by_step[step] for step in steps)
    level = next((step for step, number in zip(steps, slower, strict=True) if number >= wanted), None)
    if clause.metric is not SloMetric.LATENCY or level is None:
        return []
    return _stretches(counts, [_at_least(level, count) for count in counts])


def _at_least(level: int, count: LimitCount) -> list[int]:
    """Return the calls of each stretch from a step on; where that is below the slower half, all of them."""
    lowest = min((step for part in count.stretches for step in part.slow), default=0)
    if level < lowest:
        return [part.calls for part in count.stretches]
    return [sum(number for step, number in part.slow.items() if step >= level) for part in count.stretches]


@dataclasses.dataclass(frozen=True, slots=True)
class _Share:
    """The counts of a clause that limits a share of calls."""

    clause: Clause
    calls: int
    exceeding: int
    stretches: list[Stretch]
    slowest: list[Stretch]

    def certificate(self) -> Certificate:
        known = spread(self.stretches)
        effect, is_clustered = self._doubt()
        low, high = self._low(known), self._high(effect)
        state = (
            State.CERTIFIED
            if self._can_certify and high <= self.clause.share
            else State.BROKEN
            if low > self.clause.share
            else State.NOT_CERTIFIED
        )
        if self.exceeding >= self.clause.share * self.calls:
            effect, is_clustered = known.effect, known.is_clustered
        rate = self.exceeding / self.calls
        needed = _calls_to_certify(self.clause.share, rate, effect) if state is State.NOT_CERTIFIED else None
        more = None if needed is None else max(1, needed - self.calls)
        effective = min(float(self.calls), self.calls / effect)
        said = [self._seen(), *self._remarks(state, effective if is_clustered else None, more)]
        return Certificate(
            clause=self.clause,
            state=state,
            calls=self.calls,
            exceeding=self.exceeding,
            low=low,
            high=high,
            more=more,
            sentence=f"{state}: {'; '.join(said)}",
            effective=effective,
            variance=known.variance,
            slow_effect=max(1.0, spread(self.slowest).plain) if self.slowest else 1.0,
        )

    @property
    def _spans(self) -> int:
        """The number of stretches with an exceeding call."""
        return sum(one.successes > 0 for one in self.stretches)

    @property
    def _slow_spans(self) -> int:
        return sum(one.successes > 0 for one in self.slowest)

    @property
    def _can_certify(self) -> bool:
        shown = not self.slowest or self._slow_spans >= FEWEST_CLUSTERS
        return shown and self.clause.share * self.calls >= LEAST_ALLOWED

    def _low(self, known: Spread) -> float:
        """Return the lower bound. Each stretch is worth one trial at least, whatever happens within it."""
        worth = float(min(sum(one.trials > 0 for one in self.stretches), self.calls))
        if self._spans >= FEWEST_CLUSTERS:
            worth = max(worth, self.calls / known.effect)
        return lower_bound(self.exceeding * worth / self.calls, worth, CONFIDENCE)

    def _doubt(self) -> tuple[float, bool]:
        """Return the larger design effect of the exceeding and of the slowest calls, and whether they cluster."""
        both = [spread(self._at_least_five()), *([spread(self.slowest)] if self.slowest else [])]
        return max(one.cautious for one in both), any(one.is_clustered for one in both)

    def _high(self, effect: float) -> float:
        worth = self.calls / effect
        exceeding = sum(one.successes for one in self._at_least_five())
        return upper_bound(exceeding * worth / self.calls, worth, CONFIDENCE) if worth else 1.0

    def _at_least_five(self) -> list[Stretch]:
        """Return the stretches as if single calls more had exceeded, until five stretches do."""
        missing = FEWEST_CLUSTERS - self._spans
        made = []
        for one in self.stretches:
            adds = missing > 0 and one.trials > 0 and one.successes == 0
            missing -= adds
            made.append(Stretch(one.trials, 1) if adds else one)
        return made

    def _seen(self) -> str:
        what = (
            "did not complete"
            if self.clause.metric is SloMetric.ERRORS
            else f"were over {format_ns(self.clause.limit)} or failed"
        )
        limit = format_percent(self.clause.share)
        return f"{self.exceeding:,} of {self.calls:,} calls {what} (limit below {limit})"

    def _remarks(self, state: State, effective: float | None, more: int | None) -> Iterator[str]:
        too_few = 0 < self._spans < FEWEST_CLUSTERS or (
            self.slowest and self._slow_spans < FEWEST_CLUSTERS and self.clause.share * self.calls >= 1
        )
        if effective is not None:
            which = "failures" if self.clause.metric is SloMetric.ERRORS else "slow calls"
            worth = f"{max(1, round(effective)):,}"
            yield f"{which} come in clusters: {self.calls:,} calls tell as much as {worth} independent ones"
        if state is State.CERTIFIED and self._spans < FEWEST_CLUSTERS:
            group = math.floor(self.clause.share * self.calls / _MISSED_GROUP)
            yield f"a group of more than {group:,} such calls could have been missed"
        if state is State.NOT_CERTIFIED:
            if too_few and effective is None:
                yield f"{self._where_few()}: too few clusters to tell"
            yield (
                f"about {more:,} more at this rate would certify it"
                if more
                else "more calls at this rate cannot certify it"
            )

    def _where_few(self) -> str:
        if 0 < self._spans < FEWEST_CLUSTERS:
            return f"they lie in {self._spans} of {len(self.stretches)} stretches of time"
        share = format_percent(self.clause.share)
        return f"the slowest {share} lie in {self._slow_spans} of {len(self.slowest)} stretches of time"


def _certify_throughput(
    clause: Clause, counts: Sequence[LimitCount], calls: int, exceeding: int
) -> Certificate:
    seconds = sum(one.seconds for one in counts)
    rate_per_s = (calls - exceeding) / seconds if seconds > 0 else 0.0
    reach_per_s = _reach_per_s(counts)
    state = (
        State.CERTIFIED
        if rate_per_s - reach_per_s > clause.limit
        else State.BROKEN
        if rate_per_s + reach_per_s < clause.limit
        else State.NOT_CERTIFIED
    )
    sentence = f"{state}: {format_rate(rate_per_s)} completed (limit above {format_rate(clause.limit)})"
    if state is State.NOT_CERTIFIED:
        sentence += (
            f"; the rates of {STRETCHES} stretches of time tell it only to ±{format_rate(reach_per_s)}"
        )
    return Certificate(clause, state, calls, exceeding, None, None, None, sentence)


def _reach_per_s(counts: Sequence[LimitCount]) -> float:
    """Return the distance of the one-sided bounds of the rate, from the completed calls of about twenty stretches."""
    counted = [one for one in counts if one.seconds > 0]
    completed = [[part.calls - part.exceeding for part in one.stretches] for one in counted]
    seconds = [[one.seconds / len(one.stretches)] * len(one.stretches) for one in counted]
    rates = [
        done / took for done, took in zip(_merged(counted, completed), _merged(counted, seconds), strict=True)
    ]
    if len(rates) < 2:
        return 0.0
    return (
        student_quantile(2 * CONFIDENCE - 1, len(rates) - 1) * statistics.stdev(rates) / math.sqrt(len(rates))
    )
