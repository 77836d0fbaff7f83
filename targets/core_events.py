"""Make the events for measuring the asset core: callers and assets, drawn from an inventory by popularity."""

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from targets.asset_core.data.inventory import Assets, Tenant
from targets.asset_core.data.popularity import Zipf
from targets.asset_core.data.rows import asset_body
from targets.asset_core.errors import SettingsError
from targets.asset_core.issuing import Issuer
from targets.asset_core.routing import BATCH_GET, GET_ASSET, GET_HEALTH, GET_JOB, INGEST, SUBMIT_JOB
from targets.asset_core.workers.jobs import make_job_id

MISSING_SHARE = 0.005
"""Share of events for an asset that does not exist."""

GZIP_SHARE = 0.7
USERS_PER_TENANT = 4
ROLES = ("viewer", "analyst", "admin")
BATCH_GET_IDS = 20
INGEST_ASSETS = 10
SCAN_IDS = 5
CORRELATE_IDS = 2
DISCOVERY_SEEDS = 50
KNOWN_JOBS = 2
"""Number of jobs of each tenant that events poll."""

Event = dict[str, Any]


class Events:
    """Make events. The same seed requests the same assets by the same users; key and times are of today."""

    def __init__(
        self, inventory: Assets, zipf: Zipf, issuer: Issuer, tenants: AbstractSet[str] | None = None
    ) -> None:
        self._tenants = tenants
        self._inventory = inventory
        self._zipf = zipf
        self._issuer = issuer
        self._makers: Mapping[str, Callable[[random.Random], Event]] = {
            GET_ASSET.operation: self._get_asset,
            BATCH_GET.operation: self._batch_get,
            INGEST.operation: self._ingest,
            SUBMIT_JOB.operation: self._submit_job,
            GET_JOB.operation: self._get_job,
            GET_HEALTH.operation: self._get_health,
        }

    @property
    def tenants(self) -> Sequence[Tenant]:
        """All tenants of the inventory."""
        return self._inventory.tenants

    def only(self, tenants: AbstractSet[str]) -> "Events":
        """Return events of these tenants alone."""
        return Events(self._inventory, self._zipf, self._issuer, tenants)

    def popular(self, rank: int) -> tuple[str, str]:
        """Return (tenant, id) of the asset of a rank, 0 being the most requested one."""
        return self._inventory.identity(self._zipf.number(rank))

    def make(self, operation: str, rng: random.Random) -> Event:
        """Return a proxy event; raises SettingsError for an operation that the core lacks."""
        maker = self._makers.get(operation)
        if maker is None:
            raise SettingsError(f"there is no operation {operation!r}", where="core_target")
        return maker(rng)

    def sign_tokens(self) -> None:
        """Make all tokens now, so that no event waits for one."""
        for tenant in self._inventory.tenants:
            for role in ROLES:
                for user in range(USERS_PER_TENANT):
                    self._token(tenant.name, user, role)

    def known_jobs(self) -> list[Event]:
        """Return the events that submit the jobs which `GET /jobs/{id}` polls."""
        return [
            self._post("/jobs", body, tenant.name, 0, "analyst", **{"Idempotency-Key": _job_key(number)})
            for tenant in self._inventory.tenants
            for number in range(KNOWN_JOBS)
            for body in [_job("risk-correlation", {"ids": [self._any_id(tenant.name, 0)]})]
        ]

    def _get_asset(self, rng: random.Random) -> Event:
        tenant, asset_id = self._draw(rng)
        if rng.random() < MISSING_SHARE:
            asset_id = f"host:gone-{rng.randrange(50)}.example"
        return self.read(tenant, asset_id, rng)

    def read(self, tenant: str, asset_id: str, rng: random.Random) -> Event:
        """Return a request for an asset, by one of its tenant's users."""
        headers = {"Authorization": f"Bearer {self._token(tenant, rng.randrange(USERS_PER_TENANT))}"}
        if rng.random() < GZIP_SHARE:
            headers["Accept-Encoding"] = "gzip, deflate, br"
        return proxy_event("GET", f"/assets/{asset_id}", headers)

    def _batch_get(self, rng: random.Random) -> Event:
        tenant, asset_id = self._draw(rng)
        ids = [asset_id, *self._ids(tenant, BATCH_GET_IDS - 1, rng)]
        return self._post(
            "/assets/batch-get", {"ids": ids}, tenant, rng.randrange(USERS_PER_TENANT), "viewer"
        )

    def _ingest(self, rng: random.Random) -> Event:
        tenant, _ = self._draw(rng)
        numbers = [self._number(tenant, rng) for _ in range(INGEST_ASSETS)]
        assets = [asset_body(self._inventory.bundle(number)) for number in dict.fromkeys(numbers)]
        return self._post("/assets", {"assets": assets}, tenant, rng.randrange(USERS_PER_TENANT), "admin")

    def _submit_job(self, rng: random.Random) -> Event:
        tenant, _ = self._draw(rng)
        kind = rng.choices(("vulnerability-scan", "risk-correlation", "asset-discovery"), (40, 40, 20))[0]
        if kind == "asset-discovery":
            domain = f"{_label(tenant)}.example"
            seeds = [f"zone-{rng.randrange(DISCOVERY_SEEDS)}.{domain}"]
            data: dict[str, Any] = {"scope": [domain], "seeds": seeds}
        else:
            count = SCAN_IDS if kind == "vulnerability-scan" else CORRELATE_IDS
            data = {"ids": self._ids(tenant, count, rng)}
        return self._post("/jobs", _job(kind, data), tenant, rng.randrange(USERS_PER_TENANT), "analyst")

    def _get_job(self, rng: random.Random) -> Event:
        tenant, _ = self._draw(rng)
        job_id = make_job_id(tenant, _job_key(rng.randrange(KNOWN_JOBS)))
        token = self._token(tenant, rng.randrange(USERS_PER_TENANT), "analyst")
        return proxy_event("GET", f"/jobs/{job_id}", {"Authorization": f"Bearer {token}"})

    def _get_health(self, _rng: random.Random) -> Event:
        return proxy_event("GET", "/health", {})

    def _draw(self, rng: random.Random) -> tuple[str, str]:
        while True:
            tenant, asset_id = self._inventory.identity(self._zipf.draw(rng))
            if self._tenants is None or tenant in self._tenants:
                return tenant, asset_id

    def _number(self, tenant: str, rng: random.Random) -> int:
        own = next(each for each in self._inventory.tenants if each.name == tenant)
        return own.first + rng.randrange(own.count)

    def _ids(self, tenant: str, count: int, rng: random.Random) -> list[str]:
        return [self._inventory.identity(self._number(tenant, rng))[1] for _ in range(count)]

    def _any_id(self, tenant: str, seed: int) -> str:
        return self._ids(tenant, 1, random.Random(f"{tenant}/{seed}"))[0]

    def _post(self, path: str, body: Any, tenant: str, user: int, role: str, **headers: str) -> Event:
        token = self._token(tenant, user, role)
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        return proxy_event("POST", path, headers, text)

    def _token(self, tenant: str, user: int, role: str = "viewer") -> str:
        return self._issuer.token(tenant, f"user-{user}", role=role, use="id" if user % 2 else "access")


def proxy_event(method: str, path: str, headers: Mapping[str, str], body: str | None = None) -> Event:
    """Return an API Gateway REST proxy event (v1), with the fields that the service sets."""
    all_headers = {"Accept": "application/json", "Host": "api.example", "User-Agent": "harness", **headers}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": all_headers,
        "multiValueHeaders": {name: [value] for name, value in all_headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "stage": "prod",
            "httpMethod": method,
            "path": path,
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "harness"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


def _job(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    # The job is waited for: work after the response would be measured with later calls.
    return {"kind": kind, "data": data, "wait": True}


def _label(tenant: str) -> str:
    """Return a domain label for a tenant, whose name may contain other characters."""
    return re.sub("[^a-z0-9-]", "-", tenant.lower())[:50].strip("-") or "tenant"


def _job_key(number: int) -> str:
    return f"known-{number}"
