"""Promises of work told from results: by protocol and by the names of classes, with nothing imported for it."""

import array
import asyncio
import concurrent.futures
import contextlib
import dataclasses
import decimal
import functools
import io
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import boto3
import flask
import gevent
import gevent.event
import numpy as np
import pytest
import redis
import requests
import urllib3
from werkzeug.test import EnvironBuilder

from harness.target.unfinished import promising, unfinished

BODY = b"x" * 100_000


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(BODY)

    def log_message(self, *_args):
        pass


@pytest.fixture(scope="module")
def url():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


async def coroutine():
    pass


async def asynchronous():
    yield 1


def generated():
    yield 1


@contextlib.contextmanager
def managed():
    yield 1


class Awaitable:
    def __await__(self):
        yield


class OpenIterable:
    def __iter__(self):
        return iter([b"body"])

    def close(self):
        pass


def promised():
    started = coroutine()
    yield started, "a coroutine"
    started.close()
    yield Awaitable(), "an awaitable"
    yield asynchronous(), "an asynchronous iterator"
    yield generated(), "a generator"
    yield iter([1]), "an iterator"
    yield map(str, [1]), "an iterator"
    yield managed(), "a context manager that was not entered"
    yield concurrent.futures.Future(), "a future"
    done = concurrent.futures.Future()
    done.set_result(1)
    yield done, "a future"
    loop = asyncio.new_event_loop()
    yield loop.create_future(), "a future"
    loop.close()
    yield gevent.Greenlet(int), "a future"
    yield gevent.event.AsyncResult(), "a future"
    yield OpenIterable(), "an iterable that is neither read nor closed"
    yield [concurrent.futures.Future()], "a list with a future"
    yield {"body": generated()}, "a dict with a generator"
    yield (200, [], generated()), "a tuple with a generator"


def test_each_kind_of_promise_is_named():
    for value, what in promised():
        found = unfinished(value)
        assert found is not None, what
        assert found[0].startswith(what)
        assert found[1]


FINISHED = [
    None, True, 1, 1.5, "text", b"bytes", [1], (1,), {"a": [1]}, {1}, range(3), {}.items(), io.BytesIO(b"x"),
    io.StringIO("x"), decimal.Decimal(1), array.array("i"), memoryview(b"x"), np.zeros(3), np.float64(1), object(), int,
    print, Exception("x"), Path(), threading.Lock(), contextlib.ExitStack(), flask.Response("x"),
    dataclasses.make_dataclass("Row", ["a"])(1),
]  # fmt: skip


@pytest.mark.parametrize("value", FINISHED, ids=lambda value: type(value).__name__)
def test_what_is_finished_is_taken(value):
    assert unfinished(value) is None


def test_files_are_results():
    with tempfile.TemporaryFile() as file, tempfile.NamedTemporaryFile() as named:
        assert unfinished(file) is unfinished(named) is None


def test_a_response_is_a_result_once_its_body_is_read(url):
    session, pool = requests.Session(), urllib3.PoolManager()
    streamed, raw = session.get(url, stream=True), pool.request("GET", url, preload_content=False)
    for response in (streamed, raw):
        assert unfinished(response)[0].startswith("a response whose body is not read")
    assert streamed.content == raw.read() == BODY
    for response in (streamed, raw, session.get(url), pool.request("GET", url)):
        assert unfinished(response) is None
    session.close()
    pool.clear()


def test_what_aws_clients_put_off_is_told_from_what_they_have_done(url):
    make = functools.partial(
        boto3.client, region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y", endpoint_url=url
    )  # fmt: skip
    paginator, s3 = make("dynamodb").get_paginator("scan"), make("s3")
    assert unfinished(paginator)[0].startswith("a paginator")
    assert unfinished(paginator.paginate(TableName="t"))[0].startswith("a paginator")
    found = s3.get_object(Bucket="b", Key="k")
    assert unfinished(found)[0].startswith("a dict with a response whose body is not read")
    assert found["Body"].read() == BODY
    assert unfinished(found) is None
    s3.close()


def test_a_pipeline_with_commands_is_not_executed():
    pipeline = redis.Redis().pipeline()
    assert unfinished(pipeline) is None
    pipeline.set("key", 1)
    assert unfinished(pipeline)[0].startswith("a pipeline that was not executed")


def test_a_cursor_is_a_result_where_there_is_nothing_to_fetch():
    with contextlib.closing(sqlite3.connect(":memory:")) as store:
        assert unfinished(store.execute("create table t (a)")) is None
        assert unfinished(store.execute("select 1"))[0].startswith("a cursor whose rows are not fetched")
        assert unfinished(store.execute("select 1").fetchall()) is None


def test_what_a_wsgi_application_returns_is_not_read_yet():
    application = flask.Flask("shop")
    application.add_url_rule("/", "home", lambda: "home")
    body = application(EnvironBuilder().get_environ(), lambda *_: None)
    assert unfinished(body)[0].startswith("an iterator")
    body.close()


class ClientResponse:
    """aiohttp's, as far as it shows what is left to do."""

    __module__ = "aiohttp.client_reqrep"

    def __init__(self, body=None, *, closed=False):
        self._body = body
        self.closed = closed


def test_a_response_of_aiohttp_is_a_result_once_its_body_is_read_or_its_connection_returned():
    assert unfinished(ClientResponse())[0].startswith("a response whose body is not read")
    assert unfinished(ClientResponse(b"")) is unfinished(ClientResponse(closed=True)) is None


def test_a_process_is_a_result_once_it_has_ended():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert unfinished(process)[0].startswith("a process in the background")
        process.communicate(b"\n")
        assert unfinished(process) is None


def test_known_names_of_unknown_classes_are_no_promise():
    changed = type("Response", (), {"__module__": "requests.models"})
    assert unfinished(changed()) is None


class AsyncCall:
    async def __call__(self):
        pass

    async def method(self):
        pass


class Call:
    def __call__(self):
        pass


def marked():
    pass


marked._is_coroutine = asyncio.coroutines._is_coroutine


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (coroutine, "an async function"),
        (functools.partial(functools.partial(coroutine)), "an async function"),
        (AsyncCall(), "an async function"),
        (functools.partial(AsyncCall()), "an async function"),
        (AsyncCall().method, "an async function"),
        (marked, "an async function"),
        (asynchronous, "an async generator function"),
        (generated, "a generator function"),
    ],
)
def test_functions_whose_call_runs_nothing_are_named(function, what):
    assert promising(function)[0] == what


@pytest.mark.parametrize(
    "function", [print, len, Call(), Call, AsyncCall, functools.partial(print), [].append, "x".join]
)
def test_other_functions_are_taken(function):
    assert promising(function) is None


def test_a_wrapper_that_runs_the_coroutine_is_taken():
    @functools.wraps(coroutine)
    def run():
        return asyncio.run(coroutine())

    assert promising(run) is None
