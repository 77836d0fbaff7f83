"""The order of writes: `META` waits for the rest of its asset, so that an asset becomes visible only when complete."""

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from targets.asset_core.keys import META_KEY
from targets.asset_core.stores.dynamo_items import Item

Key = tuple[str, str]
"""Key of an item: (pk, sk)."""


@dataclasses.dataclass(frozen=True, slots=True)
class Write:
    """One item to put; an item of None means to delete."""

    key: Key
    item: Item | None


class WriteQueue:
    """Return writes in batches. Each must be settled with `done`, `again` or `fail`."""

    def __init__(self, writes: Iterable[Write]) -> None:
        by_key: Mapping[Key, Write] = {write.key: write for write in writes}
        self.unwritten: dict[Key, str] = {}
        self._outstanding = collections.Counter(pk for pk, sk in by_key if sk != META_KEY)
        self._held = {pk: by_key[pk, sk] for pk, sk in by_key if sk == META_KEY and pk in self._outstanding}
        held = {write.key for write in self._held.values()}
        free = [write for write in by_key.values() if write.key not in held]
        # Parts first: the sooner they are written, the more `META` items fill the last batches.
        self._ready = collections.deque(sorted(free, key=_is_meta))
        self.total = len(by_key)

    def take(self, count: int) -> list[Write]:
        """Return the next writes, at most `count`; an empty list if none are left."""
        return [self._ready.popleft() for _ in range(min(count, len(self._ready)))]

    def done(self, writes: Iterable[Write]) -> None:
        """Mark writes as written; a `META` whose parts are all written becomes ready."""
        for pk, sk in (write.key for write in writes):
            if sk == META_KEY:
                continue
            self._outstanding[pk] -= 1
            if not self._outstanding[pk] and pk in self._held:
                self._ready.append(self._held.pop(pk))

    def again(self, writes: Sequence[Write]) -> None:
        """Put writes back at the front."""
        self._ready.extendleft(reversed(writes))

    def fail(self, writes: Iterable[Write], reason: str) -> None:
        """Give writes up; a `META` that waits for one of them is given up, too."""
        for write in writes:
            self.unwritten[write.key] = reason
            held = self._held.pop(write.key[0], None)
            if held is not None:
                self.unwritten[held.key] = "left out, because a part of the asset was not written"


def _is_meta(write: Write) -> bool:
    return write.key[1] == META_KEY
