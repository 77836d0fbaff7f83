"""Take a user of an adapted target through its journey, outside of a run."""

import contextvars
import json
import random
from pathlib import Path
from typing import Any

from harness.model import Outcome
from harness.target.journeys import USER
from harness.target.loading import LoadedTarget
from tests.support.applications import adapted

SHOP = [
    {"method": "POST", "path": "/login", "json": {"user": "{user}"}, "save": {"token": "$.deep.token"}},
    {"path": "/items/{token}?q={token}", "headers": {"Authorization": "Bearer {token}"}, "save": {"next": "header:Location"}},
    {"method": "POST", "path": "{next}", "json": {"token": "{token}", "user": "{user}"}, "save": {"csrf": "cookie:csrf"}},
    {"method": "PUT", "path": "/end", "body": "csrf={csrf}", "headers": {"Cookie": "own={csrf}"}},
]  # fmt: skip
"""The journey that the shops of the tests of adapters answer."""
TOKEN = "t/ö k&n"
ENCODED = "t%2F%C3%B6%20k%26n"


def check_requests(seen: list[dict[str, Any]], user: str) -> None:
    """Check what an application has seen of one user: path, query, authorization, cookie, body, content length."""
    login, items, order, end = seen
    assert (login["path"], login["cookie"], json.loads(login["body"])) == ("/login", "", {"user": user})
    assert (items["path"], items["query"]) == (f"/items/{TOKEN}", f"q={ENCODED.replace('%20', '+')}")
    assert (items["authorization"], items["cookie"]) == (f"Bearer {TOKEN}", "sid=1; flash=x")
    assert (order["path"], order["query"], order["cookie"]) == ("/orders/7", "a=1", "sid=1")
    assert json.loads(order["body"]) == {"token": TOKEN, "user": user}
    assert (end["body"], end["cookie"]) == (b"csrf=c", 'own=c; sid=1; csrf="c"')
    assert all(one["length"] == len(one["body"]) for one in seen)


def shop(
    folder: Path, spec: str, steps: list[dict[str, Any]] | None = None, users: str = "user\nann\nbob\n"
) -> LoadedTarget:
    """Return the target of a SPEC with a journey."""
    file = folder / "journey.jsonl"
    file.write_text("\n".join(json.dumps(one) for one in steps or SHOP))
    (folder / "users.csv").write_text(users)
    return adapted(spec, requests=str(file), values=str(folder / "users.csv"))


def visitor(target: LoadedTarget, seed: int = 1) -> Any:
    """Return a new user of a target."""
    assert target.journey.make_user is not None
    return target.journey.make_user(random.Random(seed))


def walked(target: LoadedTarget, user: Any = None) -> list[str]:
    """Make the calls of one user until one fails; return `completed` or the reason of each."""
    said: list[str] = []
    user = user or visitor(target)
    assert target.judge is not None
    for step in target.journey.steps:
        answer = called_for(target, user, step.operation)
        done = target.judge(answer) == Outcome.COMPLETED
        said.append("completed" if done else target.judge.reason(answer))
        if not done:
            break
    return said


def called_for(target: LoadedTarget, user: Any, operation: str) -> Any:
    """Make one call for a user. The user of the test's own thread stays as it is."""
    event = target.make_event(operation, random.Random(1))

    def call() -> Any:
        USER.set(user)
        return target.call(event)

    async def call_async() -> Any:
        # The loop has a context of its own.
        return await call()

    return target.loop.run(call_async()) if target.is_async else contextvars.copy_context().run(call)
