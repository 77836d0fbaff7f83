"""Journeys of request files through the command line: each way to fail is told, and nothing of a user is left behind."""

import json

import pytest

from harness.model import Outcome
from tests.support.cli import facts, inside, table

SHOP = """
import logging, sys
TOKEN = "token-98765-of-the-shop"

def app(environ, start_response):
    way = environ["HTTP_X_WAY"]
    if environ["PATH_INFO"] == "/login":
        start_response("200 OK", [("Set-Cookie", f"sid=cookie-{TOKEN}")])
        return [b"{}" if way == "missing" else b'{"token": "%s"}' % TOKEN.encode()]
    for line in (environ["HTTP_AUTHORIZATION"], environ["HTTP_COOKIE"][4:]):
        print("printed", line.rpartition(" ")[2])
        logging.error("logged %s", line.rpartition(" ")[2])
    if way == "raises":
        raise KeyError(environ["HTTP_AUTHORIZATION"], environ["HTTP_COOKIE"])
    start_response("200 OK", [])
    return [b"ok"]
"""
WAYS = {
    "missing": (0, "could not save 'token', because the body has nothing at $.token"),
    "raises": (1, "KeyError"),
}
"""By way to fail: the number of the step that fails, and the reason."""


def steps(way):
    login = {"method": "POST", "path": "/login", "headers": {"X-Way": way}, "save": {"token": "$.token"}}
    items = {"path": "/items", "headers": {"X-Way": way, "Authorization": "Bearer {token}"}, "pause": 0}
    return "\n".join(map(json.dumps, (login, items, {**items, "operation": "leave"})))


@pytest.fixture
def shop(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_a_step_that_fails_ends_the_journey_and_says_why(shop, way):
    (shop / "journey.jsonl").write_text(steps(way))
    said = inside(
        shop, "run", "steady", "--rate", "20", "--duration", "500ms", "--warmup", "0s", "--no-report",
        "--target", "wsgi:shop:app?requests=journey.jsonl",
    )  # fmt: skip
    (directory,) = (shop / "runs").iterdir()
    step, what = WAYS[way]
    known, rows = facts(directory), table(directory)
    assert known["journeys"]["abandoned"] == [(at == step) * known["journeys"]["started"] for at in range(3)]
    assert {one["what"] for one in known["failures"]} == {what}, said.stderr
    assert set(rows["operation"][rows["outcome"] == Outcome.FAILED]) == {step}
    assert set(rows["operation"]) == set(range(step + 1))
    assert left_of(shop) == []


def left_of(shop):
    """Return the files of all runs that hold a user's token."""
    files = [path for path in (shop / "runs").rglob("*") if path.is_file()]
    assert any("redacted" in path.read_text("utf-8", "replace") for path in files) or not any(
        "printed" in path.read_text("utf-8", "replace") for path in files
    )
    return [path for path in files if b"token-98765-of-the-shop" in path.read_bytes()]
