"""Select the metrics that fresh blocks must confirm, and tell which of them are settled."""

import dataclasses
from collections.abc import Hashable, Mapping, Sequence

from harness.judge import paired
from harness.judge.gathering import Evidence
from harness.policy.policy import Policy
from harness.session.receipt import Receipt, Rule
from harness.stats import power
from harness.stats.holm import holm
from harness.stats.sequential import together

Key = tuple[str, str]
"""Benchmark and metric."""


def design_of(rule: Rule, blocks: int, alpha: float) -> power.Design:
    """Return the confirming blocks of a session under a rule, at most or exactly so many."""
    return power.Sequential(blocks, alpha) if rule is Rule.SEQUENTIAL else power.Fixed(blocks, alpha)


def key_of(evidence: Evidence) -> Key:
    """Return the name of the evidence."""
    return evidence.benchmark, evidence.metric.name


@dataclasses.dataclass(frozen=True, slots=True)
class Candidates:
    """The metrics of one suite that appear changed, by name, with their direction. They share one false alarm rate.

    A watched metric is a candidate only where no deciding metric of its benchmark points the same way: it would add
    nothing, and make every other one harder to confirm.
    """

    leaning: Mapping[Key, paired.Lean]
    evidence: Mapping[Key, Evidence]
    margins: Mapping[Key, float]
    rule: Rule
    alpha: float
    most_blocks: int
    others: Mapping[Hashable, float] = dataclasses.field(default_factory=dict)
    """Evidence on the candidates of other sessions that share the false alarm rate, as `fresh` returns it."""

    @property
    def benchmarks(self) -> frozenset[str]:
        """The benchmarks with a candidate."""
        return frozenset(benchmark for benchmark, _ in self.leaning)

    @property
    def design(self) -> power.Design:
        """The confirming blocks, with the alpha that each of the candidates has in the worst case."""
        return design_of(
            self.rule, self.most_blocks, self.alpha / max(1, len(self.leaning) + len(self.others))
        )

    def all_terms(self, withheld: str) -> dict[Key, paired.Terms]:
        """Return the criteria of every metric."""
        p, design = self.fresh_p(), self.design
        return {
            key: paired.Terms(
                self.margins[key], self.alpha, self.rule, p.get(key), design, withheld,
                is_candidate=key in self.leaning,
            )
            for key in self.evidence
        }  # fmt: skip

    def fresh(self) -> dict[Hashable, float]:
        """Return the evidence of each candidate's own fresh blocks: an e-value, or p under the fixed rule."""
        read = paired.fresh_e if self.rule is Rule.SEQUENTIAL else paired.fresh_p
        return {key: read(self.evidence[key], leaning) for key, leaning in self.leaning.items()}

    def fresh_p(self) -> dict[Key, float]:
        """Return the p of the fresh blocks of each candidate, with all candidates taken into account.

        One without fresh blocks stays in the count, as one without evidence.
        """
        every = {**self.fresh(), **self.others}
        adjusted = (
            {key: min(1.0, 1 / e) for key, e in together(every).items()}
            if self.rule is Rule.SEQUENTIAL
            else holm(every)
        )
        return {key: adjusted[key] for key in self.leaning if self.evidence[key].confirmed}

    def open(self) -> frozenset[str]:
        """Return the benchmarks with a candidate that its fresh blocks have neither confirmed nor refuted.

        One confirmed metric settles all others of its benchmark that point the same way.
        """
        terms = self.all_terms("")
        settled = {
            (key[0], leaning)
            for key, leaning in self.leaning.items()
            if paired.confirmed(self.evidence[key], leaning, terms[key])
        }
        return frozenset(
            key[0]
            for key, leaning in self.leaning.items()
            if (key[0], leaning) not in settled
            and not self.evidence[key].trouble
            and not paired.refuted(self.evidence[key], leaning, terms[key])
        )


def alpha_of(receipt: Receipt, policy: Policy) -> float:
    """Return the false alarm rate of one session. Shards share that of the policy, without knowing one another's data."""
    return policy.alpha_percent / 100 / (receipt.shard.count if receipt.shard else 1)


def candidates_among(
    found: Sequence[Evidence], policy: Policy, rule: Rule, most_blocks: int, alpha: float
) -> Candidates:
    """Return the candidates of one suite, on the evidence of its screen. `alpha` is their common false alarm rate."""
    evidence = {key_of(one): one for one in found}
    margins = {key: policy.margin(*key) for key in evidence}
    leans = {key: paired.lean(one, margins[key], rule) for key, one in evidence.items()}
    decided = {(key[0], leans[key]) for key, one in evidence.items() if not one.metric.watched}
    leaning = {
        key: leans[key]
        for key, one in evidence.items()
        if leans[key] and not (one.metric.watched and (key[0], leans[key]) in decided)
    }
    return Candidates(leaning, evidence, margins, rule, alpha, most_blocks)
