"""Example requests for the OpenAPI document."""

from collections.abc import Mapping
from typing import Any

from targets.asset_core.routing import BATCH_GET, INGEST, SUBMIT_JOB, Route

ID_EXAMPLE = "domain:shared.example"

_ASSET = {
    "id": "host:www.example.com",
    "type": "host",
    "name": "www.example.com",
    "criticality": 4,
    "tags": ["public"],
    "technologies": [{"name": "nginx", "version": "1.24.0", "vendor": "F5", "category": "web server"}],
    "risks": [
        {"id": "host:www.example.com/CVE-2024-0001", "cve": "CVE-2024-0001", "cvss": 7.5, "status": "open"}
    ],
    "relationships": [{"kind": "HOSTS", "target": "service:www.example.com", "target_type": "service"}],
}
_DISCOVERY = {
    "scope": ["example.com", "192.0.2.0/24"],
    "seeds": ["example.com"],
    "ranges": ["192.0.2.0/29"],
}
BODY_EXAMPLES: Mapping[Route, Mapping[str, Any]] = {
    BATCH_GET: {"two": {"ids": [ID_EXAMPLE, "host:www.example.com"]}},
    INGEST: {"one": {"assets": [_ASSET]}},
    SUBMIT_JOB: {
        "discovery": {"kind": "asset-discovery", "data": _DISCOVERY},
        "scan": {"kind": "vulnerability-scan", "data": {"ids": [ID_EXAMPLE]}, "wait": True},
        "correlation": {
            "kind": "risk-correlation",
            "data": {"ids": [ID_EXAMPLE], "hops": 2, "decay": 0.5},
            "wait": True,
        },
    },
}
