"""Certify absolute limits from the load blocks of a session, with the counts of all segments pooled."""

from collections.abc import Iterable, Iterator, Mapping

from harness.policy.certificates import certify
from harness.policy.policy import Limit
from harness.policy.slo import Clause, LimitCount, parse
from harness.reading.counting import ALL
from harness.reading.limits import Finding, operations_of
from harness.session.receipt import Receipt


def certify_segments(receipt: Receipt, limits: Iterable[Limit]) -> tuple[Finding, ...]:
    """Return the findings on `limits` from the candidate's load segments, as the stretches of one run.

    Uses only blocks without trouble. A clause that the session did not count has a finding with zero calls, which is
    never certified; limits for another scenario than the session's have no finding.
    """
    pooled = _pooled(receipt)
    scenario = receipt.load.scenario if receipt.load else None
    return tuple(
        finding
        for limit in limits
        if limit.scenario in {None, scenario}
        for clause in parse(limit.slo)
        for finding in _of_limit(limit, clause, pooled)
    )


_Key = tuple[str, str, str | None]


def _pooled(receipt: Receipt) -> Mapping[_Key, list[LimitCount]]:
    pooled: dict[_Key, list[LimitCount]] = {}
    for block in receipt.load_blocks:
        if block.trouble or block.candidate is None:
            continue
        for count in block.candidate.limits:
            pooled.setdefault((count.clause, count.operation, count.stage), []).append(count)
    return pooled


def _of_limit(limit: Limit, clause: Clause, pooled: Mapping[_Key, list[LimitCount]]) -> Iterator[Finding]:
    counted = [name for text, name, stage in pooled if (text, stage) == (clause.text, limit.stage)]
    for name in operations_of(limit, [name for name in counted if name != ALL]) or [limit.operation]:
        yield Finding(name, limit.stage, certify(clause, pooled.get((clause.text, name, limit.stage), [])))
