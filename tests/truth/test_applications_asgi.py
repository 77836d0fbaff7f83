"""An ASGI application of the user's own as a target: its lifespan, its requests, and one that never answers."""

import json
import sys

import pytest

from harness.errors import ExitCode
from harness.profiles.stacks.folded import read_folded
from tests.support.cli import facts, inside

SHOP = """
import asyncio

log = open("log", "a", buffering=1)

class App:
    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            log.write("start\\n")
            scope["state"]["price"] = 7
            await send({"type": "lifespan.startup.complete"})
            await receive()
            log.write("end\\n")
            await send({"type": "lifespan.shutdown.complete"})
            return
        await priced(scope["state"]["price"])
        if scope["path"] == "/never":
            await asyncio.Event().wait()
        await send({"type": "http.response.start", "status": int(scope["path"][1:] or 200), "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

async def priced(number):
    await asyncio.sleep(0.002)
    return [str(one) * 10 for one in range(number)]

app = App()

async def broken(scope, receive, send):
    await receive()
    raise OSError("no database")
"""


TIMED = """
import asyncio

class Target:
    async def call(self, event):
        try:
            async with asyncio.timeout(0.0001):
                await asyncio.Event().wait()
        except TimeoutError:
            pass
        return [str(one) for one in range(100)]

create = Target
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder with the application."""
    folder = tmp_path_factory.mktemp("shop") / "here"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    (folder / "requests.jsonl").write_text(
        '{"operation": "home", "path": "/", "weight": 8}\n{"operation": "gone", "path": "/404"}\n'
    )
    return folder


def run(folder, *words):
    return inside(folder, *words, "--no-report", "--json")


def test_requests_overlap_in_one_loop_between_start_and_end_of_the_application(shop):
    words = ("run", "closed", "--users", 20, "--duration", "500ms", "--warmup", "100ms")
    found = run(shop, *words, "--target", "asgi:shop:app", "--requests", "requests.jsonl").run
    assert facts(shop / found["dir"])["engine"] == "asyncio"
    operations = found["operations"]
    assert operations["home"]["failed"] == 0
    assert operations["gone"]["failed"] == operations["gone"]["count"] > 0
    assert {one["what"] for one in found["failures"]} == {"404 Not Found"}
    # One call after the other would be fewer than 250.
    assert sum(one["count"] for one in operations.values()) > 300
    assert (shop / "log").read_text() == "start\nend\n"


def test_an_application_that_never_answers_ends_as_unfinished(shop):
    (shop / "never.jsonl").write_text('{"path": "/never"}\n')
    words = ("run", "steady", "--rate", 20, "--duration", "300ms", "--warmup", "0s")
    found = run(shop, *words, "--target", "asgi:shop:app?requests=never.jsonl").run
    assert found["outcomes"]["unfinished"] == found["planned"] > 0
    assert found["validity"] == "invalid"


def test_a_start_that_fails_is_one_sentence(shop):
    said = run(shop, "run", "closed", "--users", 1, "--duration", "200ms", "--target", "asgi:shop:broken")
    assert said.code == ExitCode.USAGE
    assert (
        said.error == "The application's start (lifespan) failed: OSError: no database. Correct its lifespan"
    )


def test_profiles_name_the_functions_of_the_user_and_none_of_the_adapter(shop):
    words = (
        "profile",
        "closed",
        "--users",
        1,
        "--duration",
        "200ms",
        "--kinds",
        "wait,memory",
        "--out",
        "profiled",
    )
    said = run(shop, *words, "--target", "asgi:shop:app")
    assert said.code in {ExitCode.OK, ExitCode.INVALID}
    for kind in ("wait/wait", "memory/memory"):
        (file,) = (shop / "profiled").glob(f"*/{kind}.folded")
        frames = {name for stack in read_folded(file).by_operation()["GET /"].stacks for name in stack}
        assert "priced (shop.py)" in frames
        assert not [name for name in frames if "adapters/" in name]


def test_a_memory_profile_that_misses_work_of_calls_says_so(shop):
    (shop / "timed.py").write_text(TIMED)
    words = ("profile", "closed", "--users", 1, "--duration", "200ms", "--kinds", "memory", "--out", "missed")
    said = inside(shop, *words, "--target", "timed.py:create", "--no-report")
    (file,) = (shop / "missed").glob("*/run.json")
    facts = json.loads(file.read_text())["rounds"][0]["profiles"]["memory"]["facts"]
    is_complete = facts.get("elsewhere_allocations", 0) < 0.02 * facts["allocations"]
    assert ("were made outside of calls" in " ".join(said.stdout.split())) == (not is_complete)
    assert is_complete or sys.version_info < (3, 12)


def test_calls_are_made_without_the_split_too(shop):
    words = ("run", "closed", "--users", 2, "--duration", "200ms", "--warmup", "0s", "--no-split")
    found = run(shop, *words, "--target", "asgi:shop:app?requests=requests.jsonl").run
    assert found["operations"]["home"]["failed"] == 0
    assert found["split_ns_per_switch"] is None
