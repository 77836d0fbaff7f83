"""Flask and Django answer 500 when a view raises: the failure is the exception, and a refusal is not hidden by the answer."""

import json

import pytest

from harness.errors import ExitCode
from tests.support.applications import adapted, answer, verdict, write
from tests.support.cli import inside

FLASK = """
import asyncio
from flask import Flask, abort

app = Flask("shop")

@app.get("/raises")
def raises(): raise KeyError("basket")

@app.get("/refuses")
def refuses(): abort(503)

@app.get("/loops")
def loops():
    asyncio.run(asyncio.sleep(0.01))
    return "done"
"""
DJANGO = """
import asyncio
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

def raises(request): raise KeyError("basket")

async def loops(request):
    await asyncio.sleep(0.01)
    return HttpResponse("done")

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", LOGGING_CONFIG=None)
urlpatterns = [path("raises", raises), path("loops", loops)]
app = get_wsgi_application()
asynchronous = get_asgi_application()
"""


@pytest.fixture
def project(tmp_path):
    """Return a function that writes an application and a request for each path, and returns the folder."""

    def make(source, *paths):
        write(tmp_path, source, "failing_shop.py")
        lines = (json.dumps({"path": one}) for one in paths)
        (tmp_path / "requests.jsonl").write_text("\n".join(lines))
        return tmp_path

    return make


def run(folder, name, *options):
    return inside(
        folder, "run", "closed", "--target", f"{name}", "--requests", "requests.jsonl", "--users", "3", "--think-time", "20ms", "--duration", "2s",
        "--warmup", "0s", "--no-report", "--json", *options,
    )  # fmt: skip


def test_the_exception_of_a_flask_view_is_the_failure(project):
    folder = project(FLASK, "/raises", "/refuses")
    target = adapted(f"wsgi:{folder}/failing_shop.py:app", requests=str(folder / "requests.jsonl"))
    with pytest.raises(KeyError, match="basket"):
        answer(target, "GET /raises")
    assert verdict(target, "GET /refuses") == "503 Service Unavailable"


def test_an_expected_status_is_no_failure_whatever_is_behind_it(project):
    folder = project(FLASK)
    (folder / "requests.jsonl").write_text('{"path": "/raises", "expect": 500}')
    target = adapted(f"wsgi:{folder}/failing_shop.py:app", requests=str(folder / "requests.jsonl"))
    assert verdict(target) == "completed"


@pytest.mark.parametrize("name", ["wsgi:failing_shop.py:app", "asgi:failing_shop.py:asynchronous"])
def test_the_exception_of_a_django_view_is_the_failure(project, name):
    said = run(project(DJANGO, "/raises"), name)
    (failure,) = said.run["failures"]
    assert (failure["what"], failure["example"]) == ("KeyError", "'basket'")
    assert failure["where"].startswith("raises (failing_shop.py:")


@pytest.mark.parametrize("source", [FLASK, DJANGO], ids=["flask", "django"])
def test_views_that_fail_because_of_gevent_are_refused_and_run_in_threads(project, source):
    folder = project(source, "/loops")
    refused = run(folder, "wsgi:failing_shop.py:app")
    assert refused.code == ExitCode.USAGE
    assert "--engine threads" in refused.error
    said = run(folder, "wsgi:failing_shop.py:app", "--engine", "threads")
    (operation,) = said.run["operations"].values()
    assert operation["failed"] == 0
    assert operation["count"] > 5
