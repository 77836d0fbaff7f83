"""Hold the resources that a process makes once and every request uses."""

import logging
import threading

from targets.asset_core.allocations import AllocationTracker
from targets.asset_core.assembly import Resources, build, phase
from targets.asset_core.counting import Tally
from targets.asset_core.errors import CoreError, DeadlineError, NotReadyError
from targets.asset_core.gc_policy import GcPolicy
from targets.asset_core.health import NEEDED
from targets.asset_core.plan import Plan
from targets.asset_core.scope import Scope
from targets.asset_core.tracing import Tracing

LOG = logging.getLogger("asset_core.container")

INITIALISE_LIMIT_S = 10.0
FIRST_BACK_OFF_S = 1.0
LONGEST_BACK_OFF_S = 30.0


def initialise(
    plan: Plan, tracing: Tracing, policy: GcPolicy, tally: Tally, due_s: float = float("inf")
) -> Resources:
    """Make the resources and check that the required stores answer, within 10 s; raises NotReadyError otherwise.

    DeadlineError if `due_s`, on the plan's clock, is earlier.
    """
    limit_s = plan.clocks.monotonic() + INITIALISE_LIMIT_S
    try:
        resources = build(plan, tracing, policy)
    except CoreError as error:
        raise NotReadyError(f"initialisation failed: {error}", remedy="Correct the settings") from error
    try:
        with phase(resources.phases_ns, "connect"):
            failing = resources.health.check(Scope(min(due_s, limit_s), tally, plan.clocks.monotonic))
        _require(failing)
    except BaseException as error:
        resources.close()
        if isinstance(error, DeadlineError) and limit_s < due_s:
            raise NotReadyError(
                f"initialisation failed: it took more than {INITIALISE_LIMIT_S:g} s", remedy="Try again later"
            ) from error
        raise
    return resources


class Container:
    """Hold the resources of a process. A failure is remembered during a back-off, which doubles."""

    def __init__(self, plan: Plan, tally: Tally) -> None:
        self.plan = plan
        self.tracing = Tracing()
        self.policy = GcPolicy(AllocationTracker())
        self._tally = tally
        self._lock = threading.Lock()
        self._resources: Resources | None = None
        self._failure: CoreError | None = None
        self._back_off_s = FIRST_BACK_OFF_S
        self._retry_at_s = float("-inf")

    def acquire(self, due_s: float = float("inf")) -> Resources:
        """Return the resources, made on first use, or anew each time without `warm_init`. Raises NotReadyError.

        Waiting for another maker ends at `due_s`, on the plan's clock, with DeadlineError. The maker itself, whose
        result serves all others, has the whole limit, even if its own request has less time.
        """
        if self._resources is not None:
            return self._resources
        if not self.plan.switches.warm_init:
            return initialise(self.plan, self.tracing, self.policy, self._tally, due_s)
        return self._acquire_first(due_s)

    def release(self, resources: Resources) -> None:
        """Return the resources from `acquire` at the end of a request."""
        if not self.plan.switches.warm_init:
            resources.close()

    @property
    def resources(self) -> Resources | None:
        """The resources, or None before they have been made."""
        return self._resources

    def close(self) -> None:
        """Close all resources."""
        with self._lock:
            resources, self._resources = self._resources, None
        if resources is not None:
            resources.close()

    def _acquire_first(self, due_s: float) -> Resources:
        left_s = due_s - self.plan.clocks.monotonic()
        if not self._lock.acquire(timeout=max(min(left_s, INITIALISE_LIMIT_S), 0.0)):
            if left_s < INITIALISE_LIMIT_S:
                raise DeadlineError("the request's time ran out while another initialised")
            raise NotReadyError("initialisation takes too long", remedy="Try again later")
        try:
            if self._resources is None:
                self._resources = self._try()
            return self._resources
        finally:
            self._lock.release()

    def _try(self) -> Resources:
        if self._failure is not None and self.plan.clocks.monotonic() < self._retry_at_s:
            raise NotReadyError(
                f"initialisation failed before: {self._failure.what}", remedy="Try again later"
            )
        try:
            resources = initialise(self.plan, self.tracing, self.policy, self._tally)
        except CoreError as error:
            self._failure = error
            self._retry_at_s = self.plan.clocks.monotonic() + self._back_off_s
            LOG.error("%s; next try in %g s", error, self._back_off_s)  # noqa: TRY400 (the cause is in the sentence)
            self._back_off_s = min(self._back_off_s * 2, LONGEST_BACK_OFF_S)
            raise
        self._failure, self._back_off_s = None, FIRST_BACK_OFF_S
        return resources


def _require(failing: dict[str, str]) -> None:
    needed = {name: error for name, error in failing.items() if name in NEEDED}
    if needed:
        sentence = ", ".join(f"{name} ({error})" for name, error in sorted(needed.items()))
        raise NotReadyError(f"initialisation failed: no answer from {sentence}", remedy="Start the stores")
