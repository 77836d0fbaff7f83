"""Makes the counts of a limit as a run leaves them, with the calls over it where a test wants them."""

from harness.policy.slo import STRETCHES, Counted, LimitCount, SloMetric, parse


def spread_evenly(total, parts=STRETCHES):
    """Return `total` in equal parts, the first ones larger by one where it does not divide."""
    return [total // parts + (place < total % parts) for place in range(parts)]


def limit_count(
    calls, exceeding, *, clause="p99<25ms", operation="all", stage=None, seconds=1.0, slowest=None
):
    """Return counts: `exceeding` and `slowest` are lists by stretch, or numbers of calls that are spread evenly."""
    (read,) = parse(clause)
    by_stretch = spread_evenly(exceeding) if isinstance(exceeding, int) else exceeding
    if slowest is None:
        slowest = max(sum(by_stretch), round(read.share * calls)) if read.metric is SloMetric.LATENCY else 0
    slow = spread_evenly(slowest) if isinstance(slowest, int) else slowest
    by_step = [{100: number} if number else {} for number in slow]
    return LimitCount(
        clause=clause,
        operation=operation,
        stage=stage,
        calls=calls,
        exceeding=sum(by_stretch),
        seconds=seconds,
        stretches=tuple(Counted(*one) for one in zip(spread_evenly(calls), by_stretch, by_step, strict=True)),
    )
