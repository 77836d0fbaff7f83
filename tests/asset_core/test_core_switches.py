"""No switch changes what the core answers, times and new names aside."""

import dataclasses
import json
import random

import pytest

from targets.asset_core.routing import ROUTES
from targets.asset_core.switches import BASELINE, OPTIMISED, Switches
from targets.core_target import create

VOLATILE = {
    "processed_at",
    "latency_ms",
    "checked_at_s",
    "last_error_at_s",
    "found_at",
    "first_seen",
    "last_seen",
}
NEW = (
    "batch_writes",
    "batched_reads",
    "object_pools",
    "gc_policy",
    "worker_pools",
    "compiled_validators",
    "all",
)


def plain(value):
    """Return a document without what is a matter of time."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if name not in VOLATILE}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def answers(switches):
    changes = ",".join(
        f"{field.name}:{'on' if getattr(switches, field.name) else 'off'}"
        for field in dataclasses.fields(Switches)
    )
    target = create(latency_ms="0", switches=changes)
    target.open()
    rng = random.Random(11)
    found = []
    for route in (*ROUTES, *ROUTES):
        for _ in range(8):
            event = target.make_event(route.operation, rng)
            event["headers"].pop("Accept-Encoding", None)
            if route.operation == "POST /jobs":
                # What goes on in the background would end before the next read, or after it.
                event["body"] = json.dumps(json.loads(event["body"]) | {"wait": True})
                event["headers"].pop("Idempotency-Key", None)
            response = target.call(event)
            document = plain(json.loads(response["body"]))
            if route.operation == "POST /jobs":
                del document["id"]
            found.append((route.operation, response["statusCode"], document))
    target.close()
    return found


@pytest.fixture(scope="module")
def expected():
    return answers(OPTIMISED)


@pytest.mark.parametrize("name", NEW)
def test_no_switch_changes_an_answer_of_any_operation(expected, name):
    switches = BASELINE if name == "all" else dataclasses.replace(OPTIMISED, **{name: False})
    assert answers(switches) == expected
