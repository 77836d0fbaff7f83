"""Measure by how much a target's own counters grow."""

from typing import TYPE_CHECKING

from harness.errors import RefusedError
from harness.target.loading import LoadedTarget

if TYPE_CHECKING:
    from collections.abc import Mapping


class Counters:
    """The growth of a target's counters between `read` and `growth`.

    A fault in the target's counters does not end the run: `trouble` names it, and the growth is empty.
    """

    def __init__(self, target: LoadedTarget) -> None:
        self._target = target
        self._before: Mapping[str, Mapping[str, int]] = {}
        self.trouble: str | None = None
        self.read()

    def read(self) -> None:
        """Take the current totals as the start of the growth."""
        self._before = self._now()

    def growth(self) -> dict[str, dict[str, int]]:
        """Return the growth since `read` as `{operation: {counter: growth}}`, without zeros."""
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
