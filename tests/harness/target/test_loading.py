"""Targets by their SPEC: every way to be wrong is a sentence, every optional ability has a stand-in."""

import dataclasses
import random
import subprocess
import sys
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ExitCode, TargetError, UsageError
from harness.model import DEFAULT_OPERATION, Outcome
from harness.redaction.patterns import HIDDEN
from harness.target.counters import Counters
from harness.target.importing import load_object
from harness.target.loading import check_mix, closing_target, make, open_target
from harness.target.spec import TargetSpec, parse_spec

NAMES = st.text(min_size=1).filter(lambda name: "?" not in name)


@pytest.fixture(autouse=True)
def _own_imports(monkeypatch, tmp_path):
    """What a test imports is forgotten after it; the current folder is the user's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.fixture
def own(tmp_path):
    """Write a module of the user's; returns the SPEC of its factory."""

    def write(source, name="mine.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return f"{path}:create"

    return write


def refused(text, **parameters):
    with pytest.raises(TargetError) as caught:
        make(text, parameters)
    assert caught.value.exit_code is ExitCode.USAGE
    assert caught.value.remedy
    return str(caught.value)


PLAIN = """
    class Mine:
        def call(self, event):
            return event
    def create():
        return Mine()
"""


def test_a_spec_is_a_name_with_parameters():
    spec = parse_spec("known:stall?at_call=500&stall_ms=1000")
    assert spec == TargetSpec("known:stall", {"at_call": "500", "stall_ms": "1000"})
    assert parse_spec("asset-core") == TargetSpec("asset-core", {})


@given(NAMES, st.dictionaries(st.text(min_size=1), st.text().filter(lambda text: HIDDEN not in text)))
def test_a_spec_written_out_reads_the_same(name, parameters):
    spec = TargetSpec(name, parameters)
    assert parse_spec(spec.text) == spec


def test_an_empty_value_is_a_value():
    assert parse_spec("t?a=").parameters == {"a": ""}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("t?a", "cannot be read.*key=value"),
        ("t?a=1&", "cannot be read"),
        ("t?a=1&b=2&a=3", "parameter twice"),
        ("t?a=1&token=[redacted]-1a2b3c", "hidden secret in its parameter 'token'"),
        ("t?dsn=redis%3A%2F%2F%5Bredacted%5D-1a2b3c%40h", "hidden secret in its parameter 'dsn'"),
    ],
)
def test_parameters_that_cannot_be_meant_are_refused(text, sentence):
    with pytest.raises(UsageError, match=sentence):
        parse_spec(text)


@pytest.mark.parametrize(
    ("name", "is_factory"),
    [
        ("path/to/file.py:factory", True),
        ("package.module:factory", True),
        ("/file.py:factory", True),
        ("known:stall", False),
        ("asset-core", False),
        ("nothing", False),
        (":factory", False),
        ("package:", False),
    ],
)
def test_a_place_is_told_from_a_name(name, is_factory):
    assert TargetSpec(name, {}).is_factory is is_factory


def test_a_file_is_a_place_for_a_factory(own):
    assert make(own(PLAIN), {}).call("event") == "event"


def test_a_module_is_a_place_for_a_factory(own):
    own(PLAIN, "shop/backend/mine.py")
    assert make("shop.backend.mine:create", {}).call("event") == "event"


def test_a_file_may_import_its_neighbours(own):
    own("VALUE = 42", "far/away/neighbour_of_mine.py")
    spec = own("import neighbour_of_mine\n" + textwrap.dedent(PLAIN), "far/away/mine.py")
    assert make(spec, {}).call(1) == 1


def test_classes_of_a_file_can_be_pickled(own):
    import pickle

    factory = load_object(own("class create:\n    def call(self, event): pass\n"))
    assert isinstance(pickle.loads(pickle.dumps(factory())), factory)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "missing.py:create",
            "'missing.py' cannot be imported: FileNotFoundError: there is no file missing.py",
        ),
        ("no.such.module:create", "'no.such.module' cannot be imported: ModuleNotFoundError"),
        ("create", "names no object of a module"),
        (".:create", "cannot be imported"),
        ("json:nothing", "'json' has no 'nothing'"),
        ("json:__name__", "'json:__name__' is an object of class str, not a factory"),
    ],
)
def test_a_factory_that_is_not_there_is_said_to_be_missing(text, sentence):
    assert sentence in refused(text)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("def create(:", "SyntaxError"),
        ("raise RuntimeError('no licence')", "RuntimeError: no licence"),
        ("import sys; sys.exit('leaving')", "SystemExit: leaving"),
        ("import a_library_that_is_missing", "No module named 'a_library_that_is_missing'"),
    ],
)
def test_a_module_that_fails_to_import_says_why(own, source, sentence):
    assert sentence in refused(own(source))


def test_a_library_that_a_module_of_the_user_lacks_is_named(own):
    own("import a_library_that_is_missing", "lacking.py")
    assert "No module named 'a_library_that_is_missing'" in refused("lacking:create")


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("raise ValueError('bad colour')", "failed: ValueError: bad colour"),
        ("raise SystemExit(3)", "failed: SystemExit: 3"),
        (
            "return None",
            "is not a factory: it returns NoneType. A factory returns an object with call(event)",
        ),
        ("return type('Mine', (), {'call': 5})()", "returned Mine, which has no call(event)"),
        ("return dict()", "returned dict, which has no call(event)"),
    ],
)
def test_a_factory_that_makes_no_target_says_why(own, body, sentence):
    assert sentence in refused(own(f"def create():\n    {body}\n"))


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"size": "1", "colour": "red"},
            "unexpected keyword argument 'colour'. Its parameters: size, shape='round'",
        ),
        ({}, "missing a required argument: 'size'"),
    ],
)
def test_parameters_that_a_factory_does_not_take_are_told_with_those_that_it_takes(own, parameters, sentence):
    spec = own("def create(size, shape='round'):\n    raise AssertionError('must not run')\n")
    assert sentence in refused(spec, **parameters)


def test_a_factory_without_parameters_says_that_it_has_none(own):
    assert "Its parameters: none" in refused(own(PLAIN), size="1")


def test_parameters_reach_the_factory_as_text(own):
    spec = own("""
        class Mine:
            def __init__(self, **given):
                self.given = given
            def call(self, event):
                return self.given
        def create(**given):
            return Mine(**given)
    """)
    assert make(spec, {"size": "3"}).call(None) == {"size": "3"}


@pytest.mark.parametrize(
    ("operations", "sentence"),
    [
        ("{}", "offers no operation"),
        ("{'a': 0}", "operation 'a' with weight 0"),
        ("{'a': -1}", "operation 'a' with weight -1"),
        ("{'a': float('nan')}", "weight nan"),
        ("{'a': float('inf')}", "weight inf"),
        ("{'a': '1'}", "weight '1'"),
        ("{'': 1}", "operation ''"),
        ("{3: 1}", "operation 3"),
        ("['a', 'b']", "not a mapping of names to weights"),
        ("5", "not a mapping of names to weights"),
        ("None", "not a mapping of names to weights"),
    ],
)
def test_operations_that_cannot_be_drawn_are_refused(own, operations, sentence):
    spec = own(f"class create:\n    operations = {operations}\n    def call(self, event): pass\n")
    assert sentence in refused(spec)


@given(st.dictionaries(st.text(min_size=1), st.floats(1e-9, 1e9) | st.integers(1, 10**9), min_size=1))
def test_names_with_positive_weights_are_a_mix(operations):
    check_mix("t", operations)


def test_a_target_with_nothing_but_call_has_a_neutral_stand_in_for_the_rest(own):
    target = make(own(PLAIN), {})
    assert target.operations == {DEFAULT_OPERATION: 1.0}
    assert target.make_event(DEFAULT_OPERATION, random.Random(1)) == {}
    assert target.judge(None) == Outcome.COMPLETED
    assert target.counters() == {}
    assert target.open() is target.close() is target.instrument(lambda function: function) is None


def test_a_target_with_every_ability_is_asked_for_all_of_them(own):
    target = make(
        own("""
        class Mine:
            operations = {"read": 3, "write": 1}
            def __init__(self):
                self.said = []
            def call(self, event):
                return self.said
            def make_event(self, operation, rng):
                return operation, rng.random()
            def outcome(self, result):
                return "timed_out"
            def open(self):
                self.said.append("open")
            def close(self):
                self.said.append("close")
            def counters(self):
                return {"read": {"said": len(self.said)}}
            def instrument(self, wrap):
                self.said.append(wrap)
        create = Mine
    """),
        {},
    )
    target.instrument("wrap")
    open_target(target)
    with closing_target(target):
        assert target.counters() == {"read": {"said": 2}}
    assert target.call(None) == ["wrap", "open", "close"]
    assert target.operations == {"read": 3, "write": 1}
    assert target.make_event("read", random.Random(1)) == ("read", random.Random(1).random())
    assert target.judge(None) == Outcome.TIMED_OUT


class Opening:
    """A target whose `open` or `close` raises."""

    def __init__(self, fault):
        self.fault = fault
        self.closed = 0

    def call(self, event):
        pass

    def open(self):
        raise self.fault

    def close(self):
        self.closed += 1
        raise self.fault


def loaded(fault, monkeypatch):
    target = Opening(fault)
    monkeypatch.setattr(sys.modules[__name__], "create", lambda: target, raising=False)
    return target, make(f"{__name__}:create", {})


@pytest.mark.parametrize("fault", [ConnectionError("refused"), SystemExit("refused")])
def test_a_target_that_cannot_be_opened_says_why(fault, monkeypatch):
    with pytest.raises(TargetError, match=f"could not be opened: {type(fault).__name__}: refused"):
        open_target(loaded(fault, monkeypatch)[1])


def test_a_target_that_cannot_be_closed_says_why(monkeypatch):
    own_target, target = loaded(RuntimeError("busy"), monkeypatch)
    with pytest.raises(TargetError, match="could not be closed: RuntimeError: busy"), closing_target(target):
        pass
    assert own_target.closed == 1


def test_a_failure_to_close_hides_no_earlier_failure(monkeypatch):
    own_target, target = loaded(RuntimeError("busy"), monkeypatch)
    with pytest.raises(ZeroDivisionError), closing_target(target):
        _ = 1 / 0
    assert own_target.closed == 1


def test_counters_grow_from_where_they_were_read(monkeypatch):
    totals = {"read": {"hits": 5, "misses": 1}}
    monkeypatch.setattr(sys.modules[__name__], "create", lambda: CountingTarget(totals), raising=False)
    counters = Counters(make(f"{__name__}:create", {}))
    totals["read"]["hits"] = 8
    totals["write"] = {"calls": 2}
    assert counters.growth() == {"read": {"hits": 3}, "write": {"calls": 2}}
    counters.read()
    assert counters.growth() == {"read": {}, "write": {}}
    totals["write"]["calls"] = 9
    assert counters.growth() == {"read": {}, "write": {"calls": 7}}


class CountingTarget:
    def __init__(self, totals):
        self.totals = totals

    def call(self, event):
        pass

    def counters(self):
        return self.totals


# In a process of its own, started as the measured process is: `-P` keeps the current folder off the import path.
SHADOWED = """
    from harness.target.importing import append_current_folder, load_object
    append_current_folder()
    import json, reports.run.view, targets.registry, targets.known
    print(load_object("targets.mine:create")(), load_object("reports.deep.mine:create")())
    print("asset-core" in targets.registry.TARGETS)
"""


def test_folders_of_the_user_that_are_named_like_ours_hide_nothing_and_are_found(own, tmp_path):
    for name in ("targets/__init__.py", "targets/registry.py", "reports/__init__.py", "reports/run/view.py"):
        own("raise ImportError('the user own')", name)
    own("raise ImportError('the user own')", "json.py")
    own("create = lambda: 'mine'", "targets/mine.py")
    own("create = lambda: 'deep'", "reports/deep/mine.py")
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(SHADOWED)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("mine deep\nTrue\n", "")


def test_a_target_that_cannot_count_says_so_and_ends_nothing():
    def broken():
        raise KeyError("no counters today")

    target = dataclasses.replace(make("targets.known:noop", {}), counters=broken)
    counters = Counters(target)
    assert counters.growth() == {}
    assert counters.trouble == "The target's counters cannot be read: KeyError: 'no counters today'"
