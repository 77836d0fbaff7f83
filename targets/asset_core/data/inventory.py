"""The interface of an inventory from any source: assets numbered from 0, those of a tenant adjacent."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Protocol

from targets.asset_core.model import Bundle


@dataclasses.dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant and its range of asset numbers."""

    name: str
    first: int
    count: int


class Assets(Protocol):
    """The assets of an inventory; iteration gives them in the order of their numbers, and may be repeated."""

    @property
    def tenants(self) -> Sequence[Tenant]:
        """All tenants, in the order of their assets."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Bundle]: ...

    def identity(self, number: int) -> tuple[str, str]:
        """Return (tenant, id) of an asset."""

    def bundle(self, number: int) -> Bundle:
        """Return an asset with its technologies, risks and relationships."""
