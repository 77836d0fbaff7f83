"""What a target counts of its own work, by how much it grows."""

from typing import TYPE_CHECKING

from harness.errors import RefusedError
from harness.target.loading import LoadedTarget

if TYPE_CHECKING:
    from collections.abc import Mapping


class Counters:
    """The growth of a target's counters between `read` and `growth`.

    A target that cannot count ends no run: `trouble` says so, and nothing is counted.
    """

    def __init__(self, target: LoadedTarget) -> None:
        self._target = target
        self._before: Mapping[str, Mapping[str, int]] = {}
        self.trouble: str | None = None
        self.read()

    def read(self) -> None:
        """Take what is counted so far as nothing."""
        self._before = self._now()

    def growth(self) -> dict[str, dict[str, int]]:
        """Return what has been counted since, `{operation: {counter: total}}`, without zeros."""
        return {
            operation: {
                name: grown
                for name, total in counts.items()
                if (grown := total - self._before.get(operation, {}).get(name, 0))
            }
            for operation, counts in self._now().items()
        }

    def _now(self) -> dict[str, dict[str, int]]:
        try:
            totals = self._target.counters().items()
            return {
                str(operation): {str(name): int(total) for name, total in counts.items()}
                for operation, counts in totals
            }
        except (KeyboardInterrupt, RefusedError):
            raise
        except BaseException as error:  # noqa: BLE001 - it is the target's code
            self.trouble = f"The target's counters cannot be read: {type(error).__name__}: {error}"
            return {}
