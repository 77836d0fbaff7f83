"""Targets that cannot be measured: refused by name, without calling an object that is not a factory."""

import contextlib
import random
import sys
import textwrap
from concurrent.futures import Future

import pytest

from harness.errors import ExitCode, RefusedError, TargetError
from harness.model import Engine
from harness.target.counters import Counters
from harness.target.events import prepare_events
from harness.target.loading import closing_target, make, open_target
from harness.target.refusals import HOOKS, Results


@pytest.fixture
def made(tmp_path, monkeypatch):
    """Write a module of the user's and make the target of its `create`, which notes when it is called."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    called = tmp_path / "called"

    def make_it(source, **parameters):
        path = tmp_path / "mine.py"
        path.write_text(f"CALLED = {str(called)!r}\n{textwrap.dedent(source)}")
        return make(f"{path}:create", parameters)

    yield make_it
    sys.modules.pop("_target_mine", None)


def refusal(made, source, kind=RefusedError, **parameters):
    with pytest.raises(kind) as caught:
        made(source, **parameters)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.remedy
    return str(caught.value)


ASYNC_CALLS = {
    "a method": "class create:\n    async def call(self, event): pass",
    "an object": "class Go:\n    async def __call__(self, event): pass\nclass create:\n    call = Go()",
    "a partial": "import functools\nasync def go(a, event): pass\nclass create:\n    call = functools.partial(go, 1)",
    "a bound method": "class A:\n    async def go(self, event): pass\nclass create:\n    call = A().go",
    "a marked function": (
        "import asyncio.coroutines\ndef go(event): pass\ngo._is_coroutine = asyncio.coroutines._is_coroutine\n"
        "class create:\n    call = staticmethod(go)"
    ),
}


@pytest.mark.parametrize("case", ASYNC_CALLS)
def test_a_call_that_is_asynchronous_is_seen_whatever_it_looks_like(made, case):
    assert made(ASYNC_CALLS[case]).engine is Engine.ASYNCIO


@pytest.mark.parametrize("engine", ["gevent", "threads"])
def test_an_asynchronous_call_is_refused_by_an_engine_that_cannot_await_it(made, engine):
    said = refusal(made, ASYNC_CALLS["a method"], engine=engine)
    assert (
        f"call of target '{said.split(chr(39))[1]}' is an async function, which engine={engine} cannot run"
        in said
    )


def test_a_call_that_is_an_async_generator_is_refused(made):
    said = refusal(made, "class create:\n    async def call(self, event):\n        yield 1")
    assert "is an async generator function" in said


AWAITED_HOOKS = """
    class create:
        told = ()
        async def call(self, event): return event, self.told
        async def open(self): self.told += ("open",)
        async def make_event(self, operation, rng): return operation
        async def close(self): self.told += ("close",)
"""


def test_an_asynchronous_target_is_opened_called_and_closed_in_one_event_loop(made):
    target = made(AWAITED_HOOKS)
    with closing_target(target):
        open_target(target)
        ((event,),) = prepare_events(target, {"call": 1.0}, 1, {"call": 1})
        assert target.loop.run(target.call(event)) == ("call", ("open",))


def test_a_synchronous_call_that_is_sent_to_the_event_loop_must_return_what_can_be_awaited(made):
    source = "class create:\n    def call(self, event): return self.work() if event else 3\n    async def work(self): return 7"
    target = made(source, engine="asyncio")
    with closing_target(target):
        assert target.loop.run(target.call(True)) == 7
        with pytest.raises(RefusedError, match="returned int without being awaited"):
            target.loop.run(target.call(False))


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize(
    ("how", "kind"), [("async def {}", "an async function"), ("def {}", "a generator function")]
)
def test_a_hook_of_which_nothing_would_run_is_refused(made, hook, how, kind):
    body = "pass" if how.startswith("async") else "yield"
    source = f"class create:\n    def call(self, event): pass\n    {how.format(hook)}(self, *_, **__):\n        {body}"
    if hook.endswith("sites"):
        # Asked for only where there are both.
        source += "\n    " + ({"sites": "record_sites", "record_sites": "sites"}[hook]) + " = print"
    assert f"{hook} of target" in refusal(made, source)
    assert kind in refusal(made, source)


PROMISING = """
    async def go():
        pass

    class create:
        def call(self, event):
            pass
        def {hook}(self, *_, **__):
            return go()
"""


@pytest.mark.filterwarnings("ignore:coroutine 'go' was never awaited")
@pytest.mark.parametrize(
    ("hook", "use"),
    [
        ("open", open_target),
        (
            "close",
            lambda target: contextlib.ExitStack().enter_context(closing_target(target)) or target.close(),
        ),
        ("make_event", lambda target: prepare_events(target, {"call": 1.0}, 1, {"call": 1})),
        ("counters", Counters),
        ("instrument", lambda target: target.instrument(lambda function: function)),
        ("record_sites", lambda target: target.record_sites(on=True)),
    ],
)
def test_a_hook_that_returns_a_coroutine_is_refused_when_it_is_called(made, hook, use):
    source = textwrap.dedent(PROMISING).format(hook=hook)
    if hook == "record_sites":
        source += "    def sites(self): return {}\n"
    target = made(source)
    with pytest.raises(RefusedError, match=f"{hook} of the target returned a coroutine"):
        use(target)


NO_FACTORIES = {
    "an async function": ("async def create():\n    open(CALLED, 'w')", "it is an async function"),
    "a generator function": (
        "def create():\n    open(CALLED, 'w')\n    yield 1",
        "it is a generator function",
    ),
    "a function that returns nothing": ("def create():\n    open(CALLED, 'w')", "it returns nothing"),
    "a function with a bare return": (
        "def create():\n    open(CALLED, 'w')\n    return",
        "it returns nothing",
    ),
    "a function that returns a value": (
        "def create():\n    open(CALLED, 'w')\n    if CALLED: return {'status': 200}\n    return None",
        "it returns NoneType or dict",
    ),
    "a function that says what it returns": (
        "def create() -> 'dict[str, int]':\n    open(CALLED, 'w')\n    return work()",
        "its annotation says that it returns dict",
    ),
    "a function with a function in it": (
        "def create():\n    open(CALLED, 'w')\n    def inner(): return object()\n    inner()",
        "it returns nothing",
    ),
    "a function that returns a comprehension": (
        "def create():\n    open(CALLED, 'w')\n    return [letter for letter in 'ab']",
        "it returns list.",
    ),
    "a function that returns a function": (
        "def create():\n    open(CALLED, 'w')\n    return lambda event: event",
        "it returns function.",
    ),
    "a class without call": (
        "class create:\n    def __init__(self): open(CALLED, 'w')",
        "class create has no call(event)",
    ),
    "an application object": (
        "class App:\n    def __call__(self, environ, start_response): open(CALLED, 'w')\ncreate = App()",
        "it is an object of class App",
    ),
    "an asynchronous application": (
        "class App:\n    async def __call__(self, scope, receive, send): open(CALLED, 'w')\ncreate = App()",
        "it is an async function",
    ),
}


@pytest.mark.parametrize("case", NO_FACTORIES)
def test_what_is_no_factory_is_refused_and_never_called(made, tmp_path, case):
    source, why = NO_FACTORIES[case]
    said = refusal(made, source)
    assert f"is not a factory: {why}" in said
    assert "A factory returns an object with call(event)" in said
    assert not (tmp_path / "called").exists()


@pytest.mark.parametrize("parameters", ["environ, start_response", "event", "event, context", "*, request"])
def test_a_function_to_be_measured_is_told_how_it_is_called(made, tmp_path, parameters):
    said = refusal(made, f"def create({parameters}):\n    open(CALLED, 'w')\n    return [b'x']", TargetError)
    assert "missing a required" in said
    assert "It is called as a factory, with the parameters of the SPEC alone" in said
    assert "for a function write call:PLACE, for an application wsgi:PLACE or asgi:PLACE" in said
    assert not (tmp_path / "called").exists()


TARGET = "class Mine:\n    def call(self, event): return 1\n"
FACTORIES = {
    "a function": "def create():\n    return Mine()",
    "a function with two ends": "def create():\n    if not CALLED: return None\n    return Mine()",
    "a lambda": "create = lambda: Mine()",
    "a partial": "import functools\ncreate = functools.partial(lambda kind: kind(), Mine)",
    "a cached function": "import functools\n@functools.cache\ndef create():\n    return Mine()",
    "a class": "create = Mine",
    "a class that sets its call": "class create:\n    def __init__(self): self.call = Mine().call",
    "a class that answers for it": "class create:\n    def __getattr__(self, name): return getattr(Mine(), name)",
    "a dataclass": (
        "import dataclasses, typing\n@dataclasses.dataclass\nclass create:\n    call: typing.Any = dataclasses.field("
        "default_factory=lambda: Mine().call)"
    ),
    "a bound method": "class Shop:\n    def make(self): return Mine()\ncreate = Shop().make",
    "an annotated function": "def create() -> Mine:\n    return Mine()",
    "a wrapped function": (
        "import functools\ndef logged(f):\n    @functools.wraps(f)\n    def inner():\n        return f()\n    return inner\n"
        "@logged\ndef create():\n    return Mine()"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FACTORIES)
def test_every_kind_of_factory_is_taken(made, case):
    assert made(TARGET + FACTORIES[case]).call(None) == 1


@pytest.mark.parametrize("error", ["GeneratorExit()", "asyncio.CancelledError()", "Own('mine')"])
@pytest.mark.parametrize("where", ["module", "create", "open", "make_event", "close"])
def test_whatever_a_target_raises_elsewhere_is_told_as_its_fault(made, where, error):
    def fault(place):
        return f"raise {error}" if where == place else "pass"

    source = f"""
        import asyncio
        class Own(BaseException): pass
        {fault("module")}
        class create:
            def __init__(self): {fault("create")}
            def call(self, event): pass
            def open(self): {fault("open")}
            def make_event(self, operation, rng): {fault("make_event")}
            def close(self): {fault("close")}
    """

    def use():
        target = made(source)
        with closing_target(target):
            open_target(target)
            prepare_events(target, {"call": 1.0}, 1, {"call": 1})

    with pytest.raises(TargetError, match=error.partition("(")[0].rpartition(".")[2]):
        use()


def test_counters_that_raise_what_is_no_exception_end_nothing(made):
    target = made(
        "import asyncio\nclass create:\n    def call(self, event): pass\n"
        "    def counters(self): raise asyncio.CancelledError"
    )
    assert "CancelledError" in Counters(target).trouble


def test_classes_of_results_are_looked_at_once_and_promises_each_time():
    results = Results("read")
    results.check([1])
    assert results.finished == {list}
    done = random.Random(1)
    results.check(done)
    assert results.finished == {list, random.Random}
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"returned a future .* for operation 'read'"):
            results.check(Future())


def test_a_class_for_each_result_fills_no_memory():
    results = Results("read")
    for _ in range(1_100):
        results.check(type("Row", (), {})())
    assert len(results.finished) == 1_000
