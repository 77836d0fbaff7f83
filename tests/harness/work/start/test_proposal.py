"""What `harness init` proposes for many little projects, none of which is imported."""

import json

import pytest

from harness.errors import UsageError
from harness.requests.reading import Kind, read_requests
from harness.target.spec import parse_spec
from harness.work.start.proposal import propose
from tests.support.little_projects import DJANGO, SAM, lines, write

pytestmark = pytest.mark.usefixtures("nothing_imported")

FLASK = "from flask import Flask\n"
FASTAPI = "from fastapi import FastAPI\n"
SPECS = {
    "a module at the top": ({"app.py": f"{FLASK}app = Flask(__name__)"}, "wsgi:app:app"),
    "an import of the whole package": ({"web.py": "import flask as f\nsite = f.Flask(__name__)"}, "wsgi:web:site"),
    "with a type": ({"main.py": f"{FASTAPI}app: FastAPI = FastAPI()"}, "asgi:main:app"),
    "in a condition": ({"m.py": f"import os\n{FASTAPI}if os.name:\n    app = FastAPI()"}, "asgi:m:app"),
    "a package": (
        {"shop/__init__.py": "", "shop/main.py": f"{FASTAPI}api = FastAPI()"}, "asgi:shop.main:api",
    ),
    "a package without __init__": ({"app/main.py": f"{FASTAPI}app = FastAPI()", "app/db.py": ""}, "asgi:app.main:app"),
    "files beside each other in a folder": (
        {"web/main.py": f"import db\n{FASTAPI}app = FastAPI()", "web/db.py": ""}, "asgi:web/main.py:app",
    ),
    "src": ({"src/shop/__init__.py": f"{FLASK}app = Flask(__name__)"}, "wsgi:shop:app"),
    "a folder that is no name": ({"my-shop/app.py": f"{FLASK}app = Flask(__name__)"}, "wsgi:my-shop/app.py:app"),
    "a name of Python's own": ({"calendar.py": f"{FLASK}app = Flask(__name__)"}, "wsgi:calendar.py:app"),
    "a factory": (
        {"shop/__init__.py": f"{FLASK}def create_app(config=None):\n    app = Flask(__name__)\n    return app"},
        "wsgi:shop:create_app()",
    ),
    "a factory that says what it returns": (
        {"f.py": f"{FASTAPI}from x import y\ndef build() -> FastAPI:\n    return y()"}, "asgi:f:build()",
    ),
    "an object that a factory of another file makes": (
        {
            "shop/__init__.py": "from .factory import create_app",
            "shop/factory.py": f"{FLASK}def create_app():\n    return Flask(__name__)",
            "wsgi.py": "from shop import create_app\napplication = create_app()",
        },
        "wsgi:wsgi:application",
    ),
    "a subclass": ({"a.py": f"{FLASK}class Shop(Flask): pass\nshop = Shop(__name__)"}, "wsgi:a:shop"),
    "bottle": ({"b.py": "import bottle\napp = bottle.default_app()"}, "wsgi:b:app"),
    "starlette": (
        {"s.py": "from starlette.applications import Starlette\napp = Starlette(routes=[])"}, "asgi:s:app",
    ),
    "a WSGI function": ({"w.py": "def application(environ, start_response): ..."}, "wsgi:w:application"),
    "an ASGI function": ({"w.py": "async def app(scope, receive, send): ..."}, "asgi:w:app"),
    "a handler": ({"fn.py": "def lambda_handler(event, context): ..."}, "lambda:fn:lambda_handler"),
    "a handler that ignores its context": ({"fn.py": "def handler(event, _context): ..."}, "lambda:fn:handler"),
    "Django": (DJANGO, "wsgi:mysite.wsgi:application"),
    "SAM": (SAM, "lambda:orders.app:lambda_handler"),
    "SAM with files beside the handler": (
        SAM | {"orders/app.py": "import table", "orders/table.py": ""}, "lambda:orders/app.py:lambda_handler",
    ),
    "the application of the tests is not the one": (
        {"tests/app.py": f"{FLASK}app = Flask(__name__)", "shop.py": f"{FLASK}shop = Flask(__name__)"}, "wsgi:shop:shop",
    ),
    "neither is one of a virtual environment": (
        {
            "env3/pyvenv.cfg": "", "env3/app.py": f"{FLASK}app = Flask(__name__)",
            ".tox/app.py": f"{FLASK}app = Flask(__name__)", "z.py": f"{FLASK}z = Flask(__name__)",
        },
        "wsgi:z:z",
    ),
    "a broken file beside it": ({"a.py": "def (", "b.py": f"{FLASK}app = Flask(__name__)"}, "wsgi:b:app"),
    "not what only a main program makes": (
        {
            "a.py": f"{FLASK}if __name__ == '__main__':\n    app = Flask(__name__)",
            "b.py": f"{FLASK}b = Flask(__name__)",
        },
        "wsgi:b:b",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("files", "spec"), SPECS.values(), ids=SPECS)
def test_the_target_is_found_where_the_files_say(tmp_path, files, spec):
    found = propose(write(tmp_path, files))
    assert found.target == spec
    assert parse_spec(found.spec).is_factory


def test_of_two_candidates_the_likelier_is_taken_and_the_other_named(tmp_path):
    found = propose(
        write(
            tmp_path,
            {
                "app.py": f"{FLASK}app = Flask(__name__)",
                "scripts/other.py": f"{FLASK}other = Flask(__name__)",
            },
        )
    )
    assert (found.target, found.others) == ("wsgi:app:app", ("wsgi:scripts.other:other",))


def test_of_both_interfaces_of_django_wsgi_is_taken(tmp_path):
    assert propose(write(tmp_path, DJANGO)).others == ("asgi:mysite.asgi:application",)


def test_a_project_of_its_own_in_a_folder_is_named(tmp_path):
    files = {f"backend/{name}": text for name, text in DJANGO.items()}
    with pytest.raises(UsageError, match=r"Django application is a project of its own in backend/"):
        propose(write(tmp_path, files))
    assert propose(tmp_path / "backend").target == "wsgi:mysite.wsgi:application"


def test_a_factory_that_needs_arguments_is_named_with_them(tmp_path):
    files = {"shop.py": f"{FLASK}def make(config, *, db): return Flask(__name__)"}
    with pytest.raises(UsageError, match=r"made by shop\.make, which needs config, db"):
        propose(write(tmp_path, files))


@pytest.mark.parametrize("files", [{}, {"README": ""}, {"lib.py": "def add(a, b): return a + b"}])
def test_a_folder_with_nothing_to_measure_is_refused_with_the_next_step(tmp_path, files):
    with pytest.raises(UsageError, match="Found no web application") as refused:
        propose(write(tmp_path, files))
    assert "call:package.module:function" in refused.value.remedy


def test_a_locustfile_alone_is_nothing_to_measure_and_is_named(tmp_path):
    files = {"locustfile.py": "from locust import HttpUser\nclass Visitor(HttpUser): ..."}
    with pytest.raises(UsageError, match=r"locustfile\.py calls a server"):
        propose(write(tmp_path, files))


def test_a_locustfile_beside_an_application_is_named(tmp_path):
    files = {
        "locustfile.py": "from locust import HttpUser\nclass Visitor(HttpUser): ...",
        "app.py": f"{FLASK}app = Flask(__name__)",
    }
    assert propose(write(tmp_path, files)).locustfile == "locustfile.py"


BENCHMARK = "def test_sort(benchmark):\n    benchmark(sorted, [2, 1])\n"
SUITES = {
    "benchmarks": ({"benchmarks/test_a.py": BENCHMARK}, "benchmarks"),
    "two files of one folder": ({"perf/test_a.py": BENCHMARK, "perf/test_b.py": BENCHMARK}, "perf"),
    "one file of the tests": (
        {"tests/test_a.py": BENCHMARK, "tests/test_b.py": "def test_b(): ..."},
        "tests/test_a.py",
    ),
    "at the top": ({"test_a.py": BENCHMARK}, "test_a.py"),
}


@pytest.mark.parametrize(("files", "suite"), SUITES.values(), ids=SUITES)
def test_a_suite_alone_is_enough(tmp_path, files, suite):
    found = propose(write(tmp_path, files))
    assert (found.suite, found.target, found.spec) == (suite, "", "")


ROOTS = {
    "src": ({"src/shop/__init__.py": f"{FLASK}app = Flask(__name__)"}, ("src/shop",)),
    "packages at the top, not the tests": (
        {"shop/__init__.py": f"{FLASK}app = Flask(__name__)", "db/__init__.py": "", "tests/__init__.py": ""},
        ("db", "shop"),
    ),
    "a module, and what it imports": (
        {
            "app.py": f"import db\nfrom lib import x\n{FLASK}app = Flask(__name__)",
            "db.py": "",
            "lib/x.py": "",
            "setup.py": "",
        },
        ("app.py", "db.py", "lib"),
    ),
    "a folder without __init__": ({"app/main.py": f"{FASTAPI}app = FastAPI()"}, ("app",)),
    "code of a Lambda function": (SAM, ("orders",)),
}


@pytest.mark.parametrize(("files", "roots"), ROOTS.values(), ids=ROOTS)
def test_the_source_roots_cover_the_target(tmp_path, files, roots):
    assert propose(write(tmp_path, files)).source_roots == roots


@pytest.mark.parametrize("folder", ["events", "fn/events", "tests/events"])
def test_a_handler_is_called_with_the_events_of_the_project(tmp_path, folder):
    write(tmp_path, {"fn/app.py": "def handler(event, context): ..."})
    found = propose(tmp_path)
    assert (found.spec, found.needs_events) == ("lambda:fn.app:handler?requests=events", True)
    write(tmp_path, {f"{folder}/one.json": "{}"})
    found = propose(tmp_path)
    assert (found.requests, found.needs_events, found.new_files) == (folder, False, {})


def test_a_factory_that_has_made_the_object_is_no_other_candidate(tmp_path):
    files = {
        "shop/__init__.py": f"{FLASK}def create_app(): return Flask(__name__)",
        "web.py": "from shop import create_app\napp = create_app()",
    }
    found = propose(write(tmp_path, files))
    assert (found.target, found.others) == ("wsgi:web:app", ())


def test_an_application_without_routes_is_asked_for_its_home(tmp_path):
    found = propose(write(tmp_path, {"w.py": "def application(environ, start_response): ..."}))
    assert lines(found) == [{"operation": "GET /", "method": "GET", "path": "/"}]


def test_the_functions_of_a_template_come_with_the_one_that_has_most_routes_first(tmp_path):
    found = propose(write(tmp_path, SAM))
    assert found.others == ("lambda:orders.app:sweep",)
    assert found.left_out == ("POST /orders",)


def test_the_routes_of_a_template_become_events_as_api_gateway_sends_them(tmp_path):
    found = propose(write(tmp_path, SAM))
    assert found.spec == "lambda:orders.app:lambda_handler?requests=events"
    events = {name: json.loads(text) for name, text in found.new_files.items()}
    rest, http = events["events/get-orders.json"], events["events/get-orders-id.json"]
    assert (rest["httpMethod"], rest["resource"], rest["path"], rest["pathParameters"]) == (
        "GET",
        "/orders",
        "/orders",
        None,
    )
    assert (http["version"], http["rawPath"], http["pathParameters"]) == ("2.0", "/orders/1", {"id": "1"})
    assert http["requestContext"]["routeKey"] == http["routeKey"] == "GET /orders/{id}"
    write(tmp_path, found.new_files)
    assert set(read_requests(tmp_path / "events", None, Kind.EVENTS).operations) == {
        "get-orders",
        "get-orders-id",
    }
