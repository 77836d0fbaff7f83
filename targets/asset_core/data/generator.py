"""A seeded inventory with the skew of real ones: heavy-tailed degrees, few critical risks, empty lists, long values.

Each asset comes from its own random stream, so that any can be made without the others and all can be streamed.
"""

import bisect
import itertools
import random
from collections.abc import Iterator

from targets.asset_core.data.inventory import Tenant
from targets.asset_core.data.words import describe, person
from targets.asset_core.errors import DataError
from targets.asset_core.feed import PRODUCTS, make_feed, severity_of
from targets.asset_core.model import Asset, Bundle, Relationship, Risk, Technology

SIZES = {"small": (500, 4), "medium": (10_000, 12), "large": (100_000, 40)}
"""Sizes by name: (assets, tenants)."""

KINDS = ("domain", "host", "address", "service", "cloud")
KIND_WEIGHTS = (25, 30, 20, 15, 10)
LINKS = {
    "domain": "RESOLVES_TO",
    "host": "HOSTS",
    "address": "CONNECTS_TO",
    "service": "DEPENDS_ON",
    "cloud": "EXPOSES",
}
SHARED_ID = "domain:shared.example"
"""Id of the first asset of every tenant: equal ids for different assets."""

HUB_DEGREE = 1_200
"""Number of relationships of the largest tenant's second asset, if it has so many neighbours."""


class Inventory:
    """The assets of a size and seed, numbered from 0. Raises DataError for an unknown size."""

    def __init__(self, size: str, seed: int) -> None:
        if size not in SIZES:
            raise DataError(
                f"there is no size {size!r}",
                where="data",
                remedy=f"Use one of: {', '.join(SIZES)}, or a file",
            )
        self.size, self.seed = size, seed
        self.count, tenants = SIZES[size]
        self.tenants = _share_out(self.count, tenants)
        self._firsts = [tenant.first for tenant in self.tenants]
        self._kinds = random.Random(f"{seed}/kinds").choices(range(len(KINDS)), KIND_WEIGHTS, k=self.count)
        self._feed = make_feed(seed)

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Bundle]:
        return map(self.bundle, range(self.count))

    def identity(self, number: int) -> tuple[str, str]:
        """Return (tenant, id) of an asset."""
        tenant = self._tenant(number)
        return tenant.name, self._id(tenant, number - tenant.first)

    def bundle(self, number: int) -> Bundle:
        """Return an asset with all that belongs to it."""
        rng = random.Random(f"{self.seed}/asset/{number}")
        tenant = self._tenant(number)
        local = number - tenant.first
        asset = self._asset(rng, tenant, local)
        technologies = _technologies(rng)
        return Bundle(
            asset, technologies, self._risks(rng, asset.id), self._relationships(rng, tenant, local)
        )

    def _tenant(self, number: int) -> Tenant:
        return self.tenants[bisect.bisect_right(self._firsts, number) - 1]

    def _kind(self, tenant: Tenant, local: int) -> str:
        return "domain" if local == 0 else KINDS[self._kinds[tenant.first + local]]

    def _id(self, tenant: Tenant, local: int) -> str:
        if local == 0:
            return SHARED_ID
        kind = self._kind(tenant, local)
        return f"{kind}:{_natural_name(kind, tenant.name, local)}"

    def _asset(self, rng: random.Random, tenant: Tenant, local: int) -> Asset:
        asset_id = self._id(tenant, local)
        first_seen, last_seen = sorted((_moment(rng), _moment(rng)))
        return Asset(
            id=asset_id,
            tenant=tenant.name,
            type=self._kind(tenant, local),
            name=_display_name(rng, asset_id),
            description=describe(rng),
            owner=person(rng),
            criticality=rng.choices((1, 2, 3, 4, 5), (30, 30, 25, 10, 5))[0],
            tags=tuple(
                sorted(
                    rng.sample(
                        ("prod", "test", "pci", "legacy", "öffentlich", "vpn", "dmz"), rng.randint(0, 4)
                    )
                )
            ),
            first_seen=first_seen,
            last_seen=last_seen,
        )

    def _risks(self, rng: random.Random, asset_id: str) -> list[Risk]:
        count = 0 if rng.random() < 0.3 else min(int(rng.paretovariate(1.2)), 60)
        found = rng.sample(self._feed, count)
        return [
            Risk(
                id=f"{asset_id}/{entry.cve}",
                cve=entry.cve,
                title=entry.title,
                severity=severity_of(entry.cvss),
                cvss=entry.cvss,
                exploitability=entry.exploitability,
                status=rng.choices(("open", "accepted", "fixed"), (80, 8, 12))[0],
                found_at=_moment(rng),
            )
            for entry in found
        ]

    def _relationships(self, rng: random.Random, tenant: Tenant, local: int) -> list[Relationship]:
        degree = min(int(rng.paretovariate(1.1)), 300) if rng.random() > 0.15 else 0
        if tenant.first == 0 and local == 1:
            degree = HUB_DEGREE
        neighbours = {_popular(rng, tenant.count) for _ in range(degree)}
        if degree == HUB_DEGREE:
            neighbours = set(range(min(HUB_DEGREE + 2, tenant.count)))
        usual = LINKS[self._kind(tenant, local)]
        return [
            Relationship(
                kind="DEPENDS_ON" if rng.random() < 0.2 else usual,
                target=self._id(tenant, other),
                target_type=self._kind(tenant, other),
            )
            for other in sorted(neighbours - {local})
        ]


def _share_out(assets: int, tenants: int) -> list[Tenant]:
    weights = [1.0 / rank**0.8 for rank in range(1, tenants + 1)]
    bounds = [round(assets * total / sum(weights)) for total in itertools.accumulate(weights)]
    firsts = [0, *bounds[:-1]]
    return [
        Tenant(f"tenant-{rank:02d}", first, bound - first)
        for rank, (first, bound) in enumerate(zip(firsts, bounds, strict=True), 1)
    ]


def _popular(rng: random.Random, count: int) -> int:
    return int(count * rng.random() ** 3)


def _natural_name(kind: str, tenant: str, local: int) -> str:
    if kind == "address":
        return (
            f"2001:db8::{local:x}" if local % 4 == 0 else f"10.{local >> 16}.{local >> 8 & 255}.{local & 255}"
        )
    if kind == "service":
        return f"app-{local}.{tenant}.example:{(443, 80, 22, 8443, 5432)[local % 5]}"
    if kind == "cloud":
        return f"arn:aws:s3:::{tenant}-{local}"
    return f"{'www' if kind == 'domain' else 'srv'}-{local}.{tenant}.example"


def _display_name(rng: random.Random, asset_id: str) -> str:
    suffix = rng.choice(("", "", "", " (Zürich)", " – 東京", " «прод»", ' "legacy"', " 🛡"))
    return asset_id.partition(":")[2] + suffix


def _technologies(rng: random.Random) -> list[Technology]:
    count = rng.choices((0, 1, 2, 3, 4, 8, 16), (10, 25, 25, 18, 12, 8, 2))[0]
    return [
        Technology(name, f"{rng.randint(1, 14)}.{rng.randint(0, 20)}.{rng.randint(0, 9)}", vendor, category)
        for name, vendor, category in rng.sample(PRODUCTS, count)
    ]


def _moment(rng: random.Random) -> str:
    day, second = rng.randrange(365), rng.randrange(86_400)
    month, day_of_month = day % 12 + 1, day // 12 % 28 + 1
    return (
        f"2025-{month:02d}-{day_of_month:02d}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
    )
