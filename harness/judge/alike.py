"""Tell whether receipts belong together: shards of one gate, or the same comparison on several machines."""

import itertools
from collections.abc import Sequence

from harness.errors import UsageError
from harness.session.receipt import NULL_CONTROL, Receipt, Shard, SubjectFacts

_CHANGES = "+changes"
_SHOWN = 5


def require_alike(receipts: Sequence[Receipt], names: Sequence[str], *, same_policy: bool) -> None:
    """Raise `UsageError` unless the receipts are shards of one gate, or the same comparison on several machines.

    `names` are those of their files. With `same_policy` all must have been measured under one policy.
    """
    for (one, first), (other, second) in itertools.combinations(zip(names, receipts, strict=True), 2):
        if difference := _difference(first, second, same_policy=same_policy):
            raise UsageError(
                f"{one} and {other} cannot be judged together: {difference}",
                remedy="Name the receipts of all shards of one gate, or of the same commits and benchmarks on another machine",
            )


def listed(names: Sequence[str]) -> str:
    """Return the number of benchmarks with the first of their names."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} of the benchmarks: {', '.join(names[:_SHOWN])}{more}"


def _difference(first: Receipt, second: Receipt, *, same_policy: bool) -> str:
    """Return why two receipts do not belong together; empty if they do."""
    if (first.shard is None) != (second.shard is None):
        return "one is a shard, the other a whole suite"
    for side, ours, theirs in (
        ("base", first.base, second.base),
        ("candidate", first.candidate, second.candidate),
    ):
        if unlike := _unlike(ours, theirs):
            return f"they are of different code: the {side} {unlike}"
    if same_policy and first.policy_sha256 != second.policy_sha256:
        return "they were measured under different policies. Judge them under one: --policy FILE"
    if first.shard is not None and second.shard is not None:
        return _unlike_shards(first.shard, second.shard)
    if (first.started_at, first.seed, first.blocks, first.counts) == (
        second.started_at, second.seed, second.blocks, second.counts,
    ):  # fmt: skip
        return "they are the same session"
    return _unlike_names(_names(first), _names(second))


def _unlike_shards(first: Shard, second: Shard) -> str:
    if first.count != second.count:
        return f"one is a shard of {first.count}, the other of {second.count}"
    if first.number == second.number:
        return f"both are {first.label}. If it was measured twice, name the later receipt alone"
    return _unlike_names(frozenset(first.names), frozenset(second.names))


def _unlike(ours: SubjectFacts, theirs: SubjectFacts) -> str:
    """Return how two records of a side differ. Changes beside the measured files are no difference."""
    commits = [_commit(one) for one in (ours, theirs)]
    if commits[0] != commits[1]:
        return f"is {commits[0]} in one, {commits[1]} in the other"
    is_clean = all(one.revision and not one.revision.endswith(_CHANGES) for one in (ours, theirs))
    if not is_clean and ours.code_sha256 != theirs.code_sha256:
        return f"is {commits[0]} with changes, which are not the same in both"
    return ""


def _commit(facts: SubjectFacts) -> str:
    return facts.revision.removesuffix(_CHANGES)[:12] if facts.revision else facts.spec


def _names(receipt: Receipt) -> frozenset[str]:
    return frozenset(
        [one.name for one in receipt.benchmarks if one.name != NULL_CONTROL]
        + [one.benchmark for one in receipt.counts]
        + [name for block in receipt.load_blocks if block.base for name in block.base.values]
    )


def _unlike_names(first: frozenset[str], second: frozenset[str]) -> str:
    alone = sorted(first ^ second)
    return "" if not alone else f"only one of them has {listed(alone)}"
