"""Wait before a repeated request for items that DynamoDB left unprocessed."""

from collections.abc import Callable

from targets.asset_core.scope import Scope

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0


class BackOff:
    """Full jitter: pauses drawn between zero and a doubling bound, so that callers do not return together.

    `uniform` draws between two numbers.
    """

    def __init__(
        self, scope: Scope, sleep: Callable[[float], None], uniform: Callable[[float, float], float]
    ) -> None:
        self._scope = scope
        self._sleep = sleep
        self._uniform = uniform
        self._bound_s = FIRST_PAUSE_S

    def pause(self) -> bool:
        """Wait, and return True; return False at once if the deadline would come first."""
        pause_s = self._uniform(0.0, self._bound_s)
        if pause_s >= self._scope.remaining_s():
            return False
        self._sleep(pause_s)
        self._bound_s = min(self._bound_s * 2, LONGEST_PAUSE_S)
        return True

    def reset(self) -> None:
        """Start with short pauses again, after a fully processed call."""
        self._bound_s = FIRST_PAUSE_S
