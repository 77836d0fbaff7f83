"""What callers of a hosted core (the fixture `host`) send to it and read from it."""

import json
import threading

import pytest

from targets.asset_core.data.generator import SHARED_ID

WORK = {
    "asset-discovery": {"scope": ["example.com"], "seeds": ["example.com"]},
    "vulnerability-scan": {"ids": [SHARED_ID, "host:gone"]},
    "risk-correlation": {"ids": [SHARED_ID, "host:gone"]},
}
"""Of each kind of job: what can be done."""


def asset(asset_id="host:new", **fields):
    """Return the least of an asset that is taken, and `fields`."""
    return {"id": asset_id, "type": "host", "name": "a host", **fields}


def technologies(*names, version="1.0"):
    """Return technologies as an asset has them."""
    return [{"name": name, "version": version} for name in names]


def risk(number, **fields):
    """Return a risk as an asset has them."""
    return {"id": f"r{number}", "cve": f"CVE-2025-{number}", "cvss": 5.0, **fields}


def link(target, kind="HOSTS"):
    """Return a relationship to an asset whose id says its type."""
    return {"kind": kind, "target": target, "target_type": target.partition(":")[0]}


def ingest(hosted, *assets, **options):
    """Send assets; return the response."""
    return hosted.post("/assets", {"assets": list(assets)}, **options)


def hold(hosted, *assets):
    """Let a core hold assets."""
    assert ingest(hosted, *assets)["statusCode"] == 200


def read(hosted, asset_id="host:new", tenant="tenant-01"):
    """Return the document of an asset, or the status of what is not 200."""
    response = hosted.get(f"/assets/{asset_id}", token=hosted.token(tenant))
    return json.loads(response["body"]) if response["statusCode"] == 200 else response["statusCode"]


def submit(hosted, kind, data=None, *, wait=True, role="analyst", **options):
    """Submit a job; return (status, document)."""
    body = {"kind": kind, "data": WORK[kind] if data is None else data, "wait": wait}
    response = hosted.post("/jobs", body, role=role, **options)
    return response["statusCode"], json.loads(response["body"])


def ask(hosted, job_id, tenant="tenant-01"):
    """Ask after a job; return (status, document)."""
    response = hosted.get(f"/jobs/{job_id}", token=hosted.token(tenant, role="analyst"))
    return response["statusCode"], json.loads(response["body"])


def ended(hosted, job_id):
    """Return the document of a job that has ended; wait for it."""
    for _ in range(2_000):
        status, document = ask(hosted, job_id)
        if document.get("state") in {"done", "failed"}:
            return document
        threading.Event().wait(0.005)
    pytest.fail(f"the job did not end: {status} {document}")
