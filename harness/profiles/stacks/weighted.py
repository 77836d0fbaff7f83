"""Stacks with weights that store shared callers once: many stacks of a profile differ in their leaf alone."""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView

Stack = tuple[str, ...]
"""Frames from the root to the leaf; never empty strings."""

Leaves = Mapping[str, float]
"""The weight of each leaf directly below the same callers."""


class Grouped(Mapping[Stack, float]):
    """A weight by stack, like a dict of stacks, built from and stored as the leaves of each stack of callers."""

    __slots__ = ("by_callers",)

    def __init__(self, by_callers: Mapping[Stack, Leaves]) -> None:
        self.by_callers = by_callers
        """The leaves by their callers, from the root down; a stack of its root alone has the empty tuple of callers."""

    def __getitem__(self, stack: Stack) -> float:
        leaves = self.by_callers.get(stack[:-1], {})
        if not stack or stack[-1] not in leaves:
            raise KeyError(stack)
        return leaves[stack[-1]]

    def __iter__(self) -> Iterator[Stack]:
        for callers, leaves in self.by_callers.items():
            for leaf in leaves:
                yield (*callers, leaf)

    def __len__(self) -> int:
        return sum(map(len, self.by_callers.values()))

    def items(self) -> ItemsView[Stack, float]:
        """Return the stacks and their weights, without a look-up for each."""
        return _Items(self)

    def values(self) -> ValuesView[float]:
        """Return the weights in the order of the stacks."""
        return _Values(self)

    def __repr__(self) -> str:
        return f"Grouped({self.by_callers!r})"


class _Items(ItemsView[Stack, float]):
    _mapping: Grouped

    def __iter__(self) -> Iterator[tuple[Stack, float]]:
        for callers, leaves in self._mapping.by_callers.items():
            for leaf, weight in leaves.items():
                yield (*callers, leaf), weight


class _Values(ValuesView[float]):
    _mapping: Grouped

    def __iter__(self) -> Iterator[float]:
        for leaves in self._mapping.by_callers.values():
            yield from leaves.values()


def by_callers(stacks: Mapping[Stack, float]) -> Mapping[Stack, Leaves]:
    """Return the leaves of each stack of callers, without conversion for `Grouped`."""
    if isinstance(stacks, Grouped):
        return stacks.by_callers
    groups: dict[Stack, dict[str, float]] = {}
    for stack, weight in stacks.items():
        groups.setdefault(stack[:-1], {})[stack[-1]] = weight
    return groups
