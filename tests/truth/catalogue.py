"""The runs of known truth that several tests read. Each is made once, and described by what is known of it.

A test that looks at one more side of such a run costs nothing; one that needs another run makes its own, with `measure`.
"""

import dataclasses

# What another process does to the machine is not what the tests of these runs ask for: the lag of the driver is.
LENIENT = "[tool.harness.validity]\ndescheduled-percent = [90, 100]\n"


@dataclasses.dataclass(frozen=True)
class Known:
    """What is called, how, and under which limits."""

    scenario: str
    target: str
    options: tuple[object, ...]
    settings: str = ""

    def __str__(self) -> str:
        return f"{self.scenario} {self.target}"

    @property
    def as_coroutine(self) -> "Known":
        """The same with the target as coroutines, in the asyncio engine."""
        separator = "&" if "?" in self.target else "?"
        return dataclasses.replace(self, target=f"{self.target}{separator}engine=asyncio")


def _open(target: str, rate_per_s: int, duration: str, warmup: str = "300ms", settings: str = "") -> Known:
    options = ("--rate", rate_per_s, "--duration", duration, "--warmup", warmup)
    return Known("steady", target, options, settings)


def _closed(target: str, users: int, duration: str, warmup: str = "300ms") -> Known:
    return Known("closed", target, ("--users", users, "--duration", duration, "--warmup", warmup))


# Every call waits for 2 ms and leaves the loop to others: 200 calls.
WAITING = _open("known:constant?service_ms=2", 200, "1s")
# The same by 8 users, as often as they can.
WAITING_CLOSED = _closed("known:constant?service_ms=2", 8, "600ms")
# Calls hold the loop, so that those of other users wait for it.
HOLDING_CLOSED = _closed("known:bimodal?fast_us=50&slow_us=500", 4, "600ms")
# Twice what the target can do: 600 calls of 2 ms in 600 ms. All are answered, the last after as long again.
OVERLOADED = _open("known:spin?spin_us=2000", 1000, "600ms", settings=LENIENT)
# Service times around 0.1 ms, which hold the loop: 2,000 calls.
LOGNORMAL = _open("known:lognormal?median_us=100&sigma=0.5", 1000, "2s")

# One call in the middle holds the loop for 0.3 s, the others wait for 1 ms.
STALL = "known:stall?stall_ms=300&service_ms=1"
STALL_NS = 300_000_000
STALLED_RATE_PER_S = 1_000
STALLED_CALL = 1_200
STALLED = _open(f"{STALL}&at_call={STALLED_CALL}", STALLED_RATE_PER_S, "2s", settings=LENIENT)
# By 8 users, who call from 0.1 s before warm-up on: beyond the 1,600 calls that they can make before the measured time.
STALLED_CLOSED = _closed(f"{STALL}&at_call=2000", 8, "2s", warmup="100ms")
