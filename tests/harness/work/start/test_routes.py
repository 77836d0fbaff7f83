"""The routes that are read from decorators, tables and prefixes."""

import pytest

from harness.work.start.proposal import propose
from harness.work.start.routes import Route
from tests.support.little_projects import DJANGO, lines, write

FLASK = "from flask import Flask, Blueprint\napp = Flask(__name__)\n"
STARLETTE = "from starlette.applications import Starlette\nfrom starlette.routing import Mount, Route\n"
FASTAPI = "from fastapi import FastAPI, APIRouter\napp = FastAPI()\n"


def asked(folder, files):
    found = propose(write(folder, files))
    return {line["operation"]: line["path"] for line in lines(found)}, found


ONE_FILE = {
    "flask's short form": (FLASK + "@app.get('/a')\ndef a(): ...", {"GET /a": "/a"}),
    "flask's converters": (
        FLASK + "@app.route('/a/<int:n>/<path:rest>/<any(x, y):kind>')\ndef a(n): ...",
        {"GET /a/{n}/{rest}/{kind}": "/a/1/1/1"},
    ),
    "a UUID": (FLASK + "@app.route('/<uuid:k>')\ndef a(k): ...", {"GET /{k}": "/00000000-0000-0000-0000-000000000001"}),
    "methods with GET": (FLASK + "@app.route('/a', methods=['POST', 'GET'])\ndef a(): ...", {"GET /a": "/a"}),
    "methods without GET": (FLASK + "@app.route('/a', methods=('PUT',))\ndef a(): ...", {"GET /": "/"}),
    "a rule that is added": (FLASK + "app.add_url_rule('/late', view_func=print)", {"GET /late": "/late"}),
    "a blueprint's own prefix": (
        FLASK + "b = Blueprint('b', __name__, url_prefix='/b')\n@b.get('/')\ndef a(): ...\napp.register_blueprint(b)",
        {"GET /b/": "/b/"},
    ),
    "fastapi's id": (FASTAPI + "@app.get('/a/{n:int}')\nasync def a(n: int): ...", {"GET /a/{n}": "/a/1"}),
    "a router in a router": (
        FASTAPI + "outer = APIRouter(prefix='/v1')\ninner = APIRouter(prefix='/items')\n@inner.get('/{n}')\ndef a(n): ...\n"
        "outer.include_router(inner)\napp.include_router(outer, prefix='/api')",
        {"GET /api/v1/items/{n}": "/api/v1/items/1"},
    ),
    "a socket is not asked": (FASTAPI + "@app.websocket('/ws')\nasync def a(): ...", {"GET /": "/"}),
    "starlette's table": (
        STARLETTE + "app = Starlette(routes=[Route('/', print), Mount('/x', routes=[Route('/{y}', print, methods=['GET'])])])",
        {"GET /": "/", "GET /x/{y}": "/x/1"},
    ),
    "bottle's own application": (
        "from bottle import default_app, route, get\napp = default_app()\n@route('/a')\ndef a(): ...\n@get('/b/<n:int>')\ndef b(n): ...",
        {"GET /a": "/a", "GET /b/{n}": "/b/1"},
    ),
    "a decorator that is no route": (FLASK + "@app.errorhandler(404)\ndef a(e): ...", {"GET /": "/"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "paths"), ONE_FILE.values(), ids=ONE_FILE)
def test_the_routes_of_one_file(tmp_path, text, paths):
    assert asked(tmp_path, {"app.py": text})[0] == paths


def test_a_router_of_another_file_has_the_prefix_of_its_inclusion(tmp_path):
    files = {
        "shop/__init__.py": "",
        "shop/main.py": "from fastapi import FastAPI\nfrom .routers import items, users\nfrom installed import PREFIX\n"
        "app = FastAPI()\napp.include_router(items.router, prefix='/items')\napp.include_router(users.router, prefix=PREFIX)",
        "shop/routers/__init__.py": "",
        "shop/routers/items.py": "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/{n}')\ndef a(n): ...",
        "shop/routers/users.py": "from fastapi import APIRouter\nrouter = APIRouter()\n@router.get('/me')\ndef a(): ...",
    }
    paths, found = asked(tmp_path, files)
    assert paths == {"GET /items/{n}": "/items/1"}
    assert found.unreadable == 1


PREFIXES = ["settings.API", "API", "f'{settings.API}'", "'/a' + settings.REST"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_may_be_a_constant_of_the_settings(tmp_path, prefix):
    files = {
        "config.py": "class Settings:\n    API: str = '/api'\n    REST = 'pi'\n    name = 'a'\nname = 'b'",
        "main.py": "from fastapi import APIRouter, FastAPI\nfrom config import settings\napp = FastAPI()\nrouter = APIRouter()\n"
        f"@router.get('/me')\ndef a(): ...\napp.include_router(router, prefix={prefix})",
    }
    assert asked(tmp_path, files)[0] == {"GET /api/me": "/api/me"}


def test_the_routes_of_tests_are_nobodys(tmp_path):
    files = {
        "app.py": FASTAPI + "@app.get('/mine')\ndef a(): ...",
        "tests/test_app.py": "@app.get('/theirs')\ndef a(): ...",
    }
    assert asked(tmp_path, files)[0] == {"GET /mine": "/mine"}


def test_a_blueprint_that_a_factory_registers(tmp_path):
    files = {
        "shop/__init__.py": "from flask import Flask\ndef create_app():\n    app = Flask(__name__)\n    from .items import bp\n"
        "    app.register_blueprint(bp, url_prefix='/items')\n    @app.get('/')\n    def home(): ...\n    return app",
        "shop/items.py": "from flask import Blueprint\nbp = Blueprint('items', __name__)\n@bp.route('/<int:n>')\ndef one(n): ...",
    }
    assert asked(tmp_path, files)[0] == {"GET /": "/", "GET /items/{n}": "/items/1"}


def test_the_routes_of_another_application_are_left_out(tmp_path):
    files = {
        "app.py": FASTAPI + "@app.get('/mine')\ndef a(): ...",
        "examples/toy.py": FASTAPI + "@app.get('/toy')\ndef a(): ...",
        "other.py": "from flask import Flask\ndef make():\n    app = Flask(__name__)\n    @app.get('/made')\n    def a(): ...\n    return app",
    }
    assert asked(tmp_path, files)[0] == {"GET /mine": "/mine"}


def test_what_changes_data_is_left_out_and_named(tmp_path):
    text = (
        FASTAPI
        + "@app.post('/a')\ndef a(): ...\n@app.delete('/a/{n}')\ndef b(n): ...\n@app.get('/a')\ndef c(): ..."
    )
    paths, found = asked(tmp_path, {"app.py": text})
    assert paths == {"GET /a": "/a"}
    assert found.left_out == ("POST /a", "DELETE /a/{n}")


def test_a_query_that_fastapi_needs_is_given(tmp_path):
    text = FASTAPI + "@app.get('/find/{shop}')\ndef find(shop: str, q: str, most: int, page: int = 1): ..."
    found = propose(write(tmp_path, {"app.py": text}))
    assert lines(found) == [
        {
            "operation": "GET /find/{shop}",
            "method": "GET",
            "path": "/find/1",
            "query": {"q": "1", "most": "1"},
        }
    ]


def test_the_patterns_of_django_are_followed_without_the_admin(tmp_path):
    paths, found = asked(tmp_path, DJANGO)
    assert paths == {
        "GET /": "/",
        "GET /polls/{pk}/": "/polls/1/",
        "GET /polls/key/{key}": "/polls/key/00000000-0000-0000-0000-000000000001",
        "GET /old/{year}": "/old/1",
    }
    assert found.unreadable == 1


def test_the_decorators_of_djangos_views_name_their_methods(tmp_path):
    views = """
        from django.views.decorators.http import require_POST, require_http_methods
        @require_POST
        def make(request): ...
        @require_http_methods(["DELETE", "PUT"])
        def change(request): ...
        @require_http_methods(["POST", "GET"])
        def both(request): ...
        """
    urls = """
        from django.urls import path
        from . import views
        from .views import both
        urlpatterns = [path("make", views.make), path("change", views.change), path("both", both)]
        """
    paths, found = asked(tmp_path, DJANGO | {"polls/views.py": views, "polls/urls.py": urls})
    assert {path for path in paths.values() if "polls" in path} == {"/polls/both"}
    assert found.left_out == ("POST /polls/make", "DELETE /polls/change")


def test_a_router_of_rest_framework_is_asked_for_its_lists_and_a_package_of_others_for_its_home(tmp_path):
    urls = """
        from django.urls import include, path
        from rest_framework import routers
        from wagtail import urls as wagtail_urls
        router = routers.DefaultRouter()
        router.register(r"users", object)
        urlpatterns = [path("api/", include(router.urls)), path("docs/", include("docs.urls")), path("", include(wagtail_urls))]
        """
    paths, found = asked(tmp_path, DJANGO | {"mysite/urls.py": urls})
    assert list(paths) == ["GET /api/users/", "GET /"]
    assert found.unreadable == 2


def test_django_in_one_file(tmp_path):
    text = """
        from django.conf import settings
        from django.core.wsgi import get_wsgi_application
        from django.urls import path
        settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="x")
        urlpatterns = [path("", print), path("<slug:s>/", print)]
        application = get_wsgi_application()
        """
    assert asked(tmp_path, {"site1.py": text})[0] == {"GET /": "/", "GET /{s}/": "/1/"}


def test_an_operation_is_spelt_alike_for_every_framework():
    templates = ["/a/<int:id>", "/a/<id>", "/a/{id}", "/a/{id:int}", "/a/<id:int>"]
    assert {Route("GET", template).operation for template in templates} == {"GET /a/{id}"}
