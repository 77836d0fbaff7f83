"""Sleep between the calls of one task."""

import asyncio

from harness.clock import NS_PER_S, SystemClock
from harness.load.aio.vetting import Vetting


async def sleep_until(until_ns: int, vetting: Vetting) -> None:
    """Sleep until a moment of the clock, at least for one turn of the loop.

    A call may have cancelled its own task: that ends with the call. A timer may end a moment too early.
    """
    me = asyncio.current_task()
    left_ns = max(until_ns - SystemClock.now_ns(), 0)
    while left_ns >= 0:
        try:
            await asyncio.sleep(left_ns / NS_PER_S)
        except asyncio.CancelledError:
            if vetting.is_ending:
                raise
            while me is not None and me.uncancel():
                pass
        else:
            left_ns = until_ns - SystemClock.now_ns() or -1
