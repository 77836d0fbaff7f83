"""Certify absolute limits from the load blocks of a session, with the counts of all segments pooled."""

from collections.abc import Iterable, Iterator, Mapping

from harness.policy.policy import Limit
from harness.policy.slo import Clause, LimitCount, certify, parse
from harness.reading.limits import ALL, Finding, certificate_of, operations_of
from harness.session.receipt import Receipt


def certify_segments(receipt: Receipt, limits: Iterable[Limit]) -> tuple[Finding, ...]:
    """Return the findings on `limits` from the candidate's load segments, with their counts pooled.

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


def _pooled(receipt: Receipt) -> Mapping[_Key, LimitCount]:
    pooled: dict[_Key, LimitCount] = {}
    for block in receipt.load_blocks:
        if block.trouble or block.candidate is None:
            continue
        for count in block.candidate.limits:
            key = (count.clause, count.operation, count.stage)
            pooled[key] = _together(pooled[key], count) if key in pooled else count
    return pooled


def _together(one: LimitCount, other: LimitCount) -> LimitCount:
    return LimitCount(
        clause=one.clause,
        operation=one.operation,
        stage=one.stage,
        calls=one.calls + other.calls,
        exceeding=one.exceeding + other.exceeding,
        seconds=one.seconds + other.seconds,
    )


def _of_limit(limit: Limit, clause: Clause, pooled: Mapping[_Key, LimitCount]) -> Iterator[Finding]:
    counted = [name for text, name, stage in pooled if (text, stage) == (clause.text, limit.stage)]
    if names := operations_of(limit, [name for name in counted if name != ALL]):
        for name in names:
            count = pooled.get((clause.text, name, limit.stage))
            yield Finding(
                name, limit.stage, certificate_of(count) if count else certify(clause, calls=0, exceeding=0)
            )
    else:
        yield Finding(limit.operation, limit.stage, certify(clause, calls=0, exceeding=0))
