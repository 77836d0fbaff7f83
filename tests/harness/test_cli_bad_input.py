"""Every mistake of a caller, a target or a disk ends in one clear sentence, the right exit code, and no traceback."""

import io
import json
import shutil
import signal

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, TargetError
from harness.reading.judging import judge
from harness.reading.run_json import as_json
from harness.reading.summary import load
from harness.table import calls
from harness.target.loading import make
from reports.run import html, text, view
from tests.support.cli import end_of, harness, inside, sentence_of, started, until_called
from tests.support.run_builder import make_run

# What was typed, and words that the sentence must hold: what is wrong, and what to do about it.
WRONG_WORDS = [
    (["run", "stedy"], ["no scenario 'stedy'", "steady"]),
    (["run", "steady", "--target", "known:lognormall"], ["no target 'known:lognormall'", "known:lognormal"]),
    (["run", "steady", "--target", "nonsense"], ["no target 'nonsense'", "file.py:factory"]),
    (["run", "steady", "--target", "known:noop?journal"], ["cannot be read", "?key=value"]),
    (["run", "steady", "--target", "known:spin?spin_us=1&spin_us=2"], ["twice", "once"]),
    (
        ["run", "steady", "--target", "known:noop", "--variant", "fast"],
        ["no variant 'fast'", "The target has no variants"],
    ),
    (["run", "steady", "--target", "asset-core", "--variant", "fast"], ["no variant 'fast'", "optimised"]),
    (["run", "steady", "--profile", "gpu"], ["no profile 'gpu'", "cpu, memory"]),
    (["run", "steady", "--profile", ""], ["no profile ''", "cpu, memory"]),
    (["run", "steady", "--rate", "0"], ["'0' is not a rate", "above zero"]),
    (["run", "steady", "--rate", "-5"], ["'-5' is not a rate", "above zero"]),
    (["run", "steady", "--rate", "nan"], ["'nan' is not a rate", "above zero"]),
    (["run", "steady", "--rate", "fast"], ["'fast' is not a rate", "above zero"]),
    (["run", "steady", "--rate", "1e9"], ["1,000,000,000/s cannot be driven", "Lower --rate"]),
    (["run", "steady", "--rate", "1e5", "--duration", "1h"], ["the most is 200,000,000", "Lower --rate or"]),
    (["run", "steady", "--rate", "1e-9"], ["no call", "Raise --rate"]),
    (["run", "closed", "--rate", "10"], ["closed model", "--users"]),
    (["run", "steady", "--users", "10"], ["open model", "--rate"]),
    (["run", "closed", "--users", "0"], ["'0' is not a whole number", "from 1 to"]),
    (["run", "closed", "--users", "2.5"], ["'2.5' is not a whole number", "from 1 to"]),
    (["run", "closed", "--users", "1000000"], ["'1000000' is not a whole number", "from 1 to"]),
    (["run", "steady", "--rate", "1", "--users", "1"], ["--users", "not allowed with"]),
    (["run", "steady", "--duration", "0s"], ["duration above zero", "--duration 10s"]),
    (["run", "steady", "--duration", "soon"], ["'soon' is not a duration", "10s"]),
    (["run", "steady", "--duration", "10"], ["'10' is not a duration", "10s"]),
    (["run", "steady", "--warmup", "-1s"], ["--warmup"]),
    (["run", "steady", "--seed", "x"], ["'x' is not a seed", "whole number"]),
    (["run", "steady", "--backends", "none"], ["--backends", "embedded"]),
    (["run", "steady", "--bogus"], ["--bogus", "harness run --help"]),
    (["run", "steady", "--dur", "1s"], ["--dur", "harness run --help"]),
    (["run"], ["SCENARIO", "harness run --help"]),
    (["rum"], ["rum", "harness --help"]),
    (["report"], ["DIR", "harness report --help"]),
]


@pytest.mark.parametrize(
    ("typed", "words"), WRONG_WORDS, ids=lambda value: " ".join(value) if value else "nothing"
)
def test_a_wrong_word_is_named_with_what_to_write_instead(tmp_path, typed, words):
    said = inside(tmp_path, *typed, *(["--json"] if typed else []))
    assert said.code == 2
    for word in words:
        assert word in said.error
    if typed:
        assert (sentence_of(said.document), said.document["error"]["exit_code"]) == (said.error, 2)
    assert list(tmp_path.rglob("*")) == []


def test_of_a_process_the_last_line_is_the_sentence_and_there_is_no_traceback(tmp_path):
    said = harness("run", "stedy", "--json", cwd=tmp_path)
    assert said.code == 2
    assert said.stderr == f"harness: {said.error}\n"
    assert (sentence_of(said.document), said.document["error"]["exit_code"]) == (said.error, 2)


# What ends the process or shows only in it, and one of those that are only told.
IN_A_PROCESS = {"module-raises", "factory-exits", "factory-dies", "factory-hangs-up", "open-raises", "event-raises"}  # fmt: skip
FACTORIES = {
    "module-raises": ("raise ValueError('no luck')", 2, ["cannot be imported", "no luck"]),
    "module-exits": ("import sys; sys.exit(3)", 2, ["cannot be imported", "SystemExit"]),
    "module-is-no-python": ("def create(:", 2, ["cannot be imported", "SyntaxError"]),
    "no-factory": ("x = 1", 2, ["has no 'create'", "colon"]),
    "factory-is-no-function": ("create = 1", 2, ["an object of class int, not a factory", "colon"]),
    "factory-raises": ("def create(): raise OSError('no luck')", 2, ["failed", "no luck", "Correct"]),
    "factory-exits": ("def create():\n import os; return os._exit(7)", 2, ["exit code 7", "Look at"]),
    "factory-dies": ("def create():\n import os; return os.kill(os.getpid(), 9)", 5, ["SIGKILL", "Look at"]),
    "factory-hangs-up": (
        "def create():\n import os; os.close(0); os.closerange(3, 99); return os._exit(0)",
        2,
        ["Look at"],
    ),
    "factory-wants-more": ("def create(size): pass", 2, ["size", "Its parameters"]),
    "no-call": ("def create(): return 5", 2, ["returns int", "call(event)"]),
    "bad-weights": (
        "class T:\n operations = {'a': 0}\n def call(self, e): pass\ndef create(): return T()",
        2,
        ["'a'", "positive weight"],
    ),
    "open-raises": (
        "class T:\n def open(self): raise OSError('no luck')\n def call(self, e): pass\ndef create(): return T()",
        2,
        ["could not be opened", "no luck"],
    ),
    "event-raises": (
        "class T:\n def make_event(self, *_): raise OSError('no luck')\n call = print\ndef create(): return T()",
        2,
        ["could not make an event", "no luck", "make_event"],
    ),
}


@pytest.mark.parametrize("case", sorted(FACTORIES.keys() - IN_A_PROCESS))
def test_a_target_that_cannot_be_made_is_an_error_that_says_why(tmp_path, case):
    source, code, words = FACTORIES[case]
    own = tmp_path / f"own_{case.replace('-', '_')}.py"
    own.write_text(source)
    with pytest.raises(TargetError) as refused:
        make(f"{own}:create", {})
    assert refused.value.exit_code == code
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("case", sorted(IN_A_PROCESS))
def test_a_target_that_cannot_be_made_says_why(tmp_path, case):
    source, code, words = FACTORIES[case]
    own = tmp_path / "own.py"
    own.write_text(source)
    said = inside(None, "run", "steady", "--target", f"{own}:create", "--json", "--out", tmp_path / "runs")
    assert said.code == code
    for word in words:
        assert word in said.error
    assert sentence_of(said.document) == said.error
    assert list((tmp_path / "runs").iterdir()) == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("known:constant?bogus=1", ["bogus", "Its parameters: service_ms"]),
        ("nowhere.py:create", ["no file nowhere.py"]),
    ],
)
def test_a_wrong_parameter_or_place_of_a_target_is_named(tmp_path, spec, words):
    said = inside(tmp_path, "run", "steady", "--target", spec, "--json")
    assert said.code == 2
    for word in words:
        assert word in said.error


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(TargetError, match=r"no\.such\.module.*No module named"):
        make("no.such.module:create", {})


@pytest.mark.parametrize(
    ("factory", "parameter", "value", "words"),
    [
        ("constant", "service_ms", "x", ["service_ms='x'", "at least 0"]),
        ("failing", "how", "badly", ["how='badly'", "error, timeout"]),
        ("noop", "journal", "/nowhere/j", ["/nowhere/j"]),
    ],
)
def test_a_wrong_value_of_a_parameter_is_named(factory, parameter, value, words):
    with pytest.raises(TargetError) as refused:
        make(f"targets.known:{factory}", {parameter: value})
    assert refused.value.exit_code == 2
    for word in words:
        assert word in str(refused.value)


def test_a_target_whose_calls_all_fail_and_that_cannot_be_closed_gives_an_invalid_run_that_lost_nothing(
    tmp_path,
):
    own = tmp_path / "own.py"
    own.write_text(
        "class T:\n def call(self, e): raise ValueError\n def close(self): raise OSError('no luck')\n"
        "def create(): return T()"
    )
    said = inside(
        None, "run", "steady", "--target", f"{own}:create", "--rate", 200, "--duration", "300ms", "--warmup", "0s",
        "--json", "--no-report", "--out", tmp_path / "runs",
    )  # fmt: skip
    assert said.code == 5
    assert "No call completed" in said.run["reasons"]
    assert "could not be closed: OSError: no luck" in " ".join(said.run["reasons"])
    assert said.run["outcomes"]["failed"] == said.run["planned"]


@pytest.mark.parametrize("out", ["file/below", "/proc/nowhere", "file"])
def test_an_unwritable_folder_is_named(tmp_path, out):
    (tmp_path / "file").write_text("")
    said = inside(tmp_path, "run", "steady", "--json", "--out", out)
    assert said.code == 1
    assert out in said.error
    assert "--out" in said.error


LIMITED = ("prlimit", "--fsize=200000")


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not installed")
@pytest.mark.parametrize("scenario", ["steady", "closed"])
def test_a_full_disk_is_told_before_anything_is_measured(tmp_path, scenario):
    pace = ("--rate", 5000) if scenario == "steady" else ("--users", 2)
    said = harness(
        "run", scenario, "--target", "known:noop", *pace, "--duration", "1s", "--json", "--out", tmp_path / "runs",
        prefix=LIMITED,
    )  # fmt: skip
    assert said.code == 1
    assert "No room for" in said.error
    assert "Free some disk" in said.error


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not installed")
def test_a_disk_that_fills_up_under_a_closed_run_keeps_what_was_measured(tmp_path):
    # Room for the first rows, not for the second reservation: a run of no-ops gets there soon.
    room = calls.HEADER_BYTES + 100_000 * calls.ROW_BYTES
    said = harness(
        "run", "closed", "--target", "known:spin?spin_us=1", "--users", 1, "--duration", "30s", "--warmup", "0s",
        "--json", "--no-report", "--out", tmp_path / "runs", prefix=("prlimit", f"--fsize={room}"),
    )  # fmt: skip
    assert said.code == 5
    assert "No room for" in " ".join(said.run["reasons"])
    # The rest came before time zero: Locust needs a moment.
    assert said.run["outcomes"]["completed"] > 20_000
    assert sum(said.run["outcomes"].values()) == said.run["planned"]


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="prlimit is not installed")
def test_a_disk_without_room_for_the_report_keeps_the_run(tmp_path, stored):
    (tmp_path / "copy").mkdir()
    # Python itself would leave compiled modules that end after 1,000 bytes, for every process that comes later.
    limited = ("env", "PYTHONDONTWRITEBYTECODE=1", "prlimit", "--fsize=1000")
    said = harness("report", stored, "-o", tmp_path / "copy" / "r.html", "--json", prefix=limited)
    assert said.code == 1
    assert "Free some disk" in said.error
    assert inside(None, "report", stored, "--json", "-o", tmp_path / "r.html").code in {0, 5}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A good run."""
    return make_run(tmp_path_factory.mktemp("stored"), rate_per_s=50.0, duration_s=2.0)


@pytest.fixture
def copy(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "copy")


def cut(path):
    path.write_bytes(path.read_bytes()[:-1000])


def edited(path, **changes):
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


DAMAGES = {
    "no run.json": (lambda d: (d / "run.json").unlink(), "no readable run.json"),
    "garbage run.json": (lambda d: (d / "run.json").write_text("{]"), "run.json is damaged"),
    "binary run.json": (lambda d: (d / "run.json").write_bytes(b"\xff\x00"), "run.json is damaged"),
    "empty run.json": (lambda d: (d / "run.json").write_text(""), "run.json is damaged"),
    "fields missing": (lambda d: (d / "run.json").write_text("{}"), "run.json is damaged"),
    "other schema": (lambda d: edited(d / "run.json", schema=99), "schema 99"),
    "a later schema of another shape": (lambda d: (d / "run.json").write_text('{"schema": 2}'), "schema 2"),
    "no table": (lambda d: (d / "timing/calls.npy").unlink(), "table of calls is damaged"),
    "cut table": (lambda d: cut(d / "timing/calls.npy"), "table of calls is damaged"),
    "empty table": (lambda d: (d / "timing/calls.npy").write_bytes(b""), "table of calls is damaged"),
    "another array": (lambda d: np.save(d / "timing/calls.npy", np.zeros(999)), "table of calls is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_refused_with_what_is_wrong(copy, damage):
    act, words = DAMAGES[damage]
    act(copy)
    said = inside(None, "report", copy, "--json")
    assert said.code == 5
    assert words in said.error
    assert str(copy) in said.error
    assert said.document["error"]["exit_code"] == 5


def test_a_run_without_its_facts_is_read_and_says_so(copy):
    (copy / "timing" / "facts.json").unlink()
    said = inside(None, "report", copy, "--json")
    assert said.code == 5
    assert "no account of itself" in " ".join(said.run["reasons"])
    assert said.run["outcomes"]["completed"] == 100


@pytest.mark.parametrize("place", ["a file", "nowhere", "."])
def test_what_is_no_run_directory_is_refused(tmp_path, place):
    (tmp_path / "a file").write_text("")
    said = harness("report", tmp_path / place, "--json")
    assert said.code == 5
    assert "harness run" in said.error


def test_a_report_that_cannot_be_written_is_named(stored, tmp_path):
    (tmp_path / "file").write_text("")
    said = inside(None, "report", stored, "-o", tmp_path / "file" / "report.html", "--json")
    assert said.code == 1
    assert "file/report.html" in said.error
    said = inside(None, "report", stored, "-o", tmp_path, "--json")
    assert said.code == 1
    assert str(tmp_path) in said.error


def test_who_stops_reading_stops_nothing_else():
    with started("list") as process:
        process.stdout.close()
        process.stdout = None
        said = end_of(process)
    assert said.code in {0, 1}
    assert said.stderr == ""


# Of so many examples one is drawn as a page too: figures take a hundred times as long as all the rest.
PAGES = st.sampled_from([False] * 5 + [True])


def read_or_refuse(directory, *, page):
    """Do what `harness report --json` does, in this process; nothing but an error of the family may come out."""
    try:
        run = load(directory)
        judged = judge(run)
        json.dumps(as_json(judged), allow_nan=False)
        built = view.build([judged])
        text.render(built, io.StringIO())
        if page:
            html.render(built)
    except HarnessError as error:
        refused = error
    else:
        return
    assert refused.remedy


QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(at=st.floats(0, 1), junk=st.binary(min_size=1, max_size=400), page=PAGES)
def test_random_bytes_over_the_table_end_in_numbers_or_in_one_sentence(copy, stored, at, junk, page):
    path = copy / "timing" / "calls.npy"
    whole = bytearray((stored / "timing" / "calls.npy").read_bytes())
    start = round(at * (len(whole) - len(junk)))
    whole[start : start + len(junk)] = junk
    path.write_bytes(whole)
    read_or_refuse(copy, page=page)


@QUICK
@given(data=st.data(), page=PAGES)
def test_any_value_in_run_json_ends_in_numbers_or_in_one_sentence(copy, stored, data, page):
    document = json.loads((stored / "run.json").read_text())
    holder = data.draw(
        st.sampled_from([document, document["plan"], document["plan"]["spans"][0], document["host"]])
    )
    key = data.draw(st.sampled_from(sorted(holder)))
    number = st.one_of(st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False))
    holder[key] = data.draw(st.one_of(number, st.none(), st.text(max_size=5), st.lists(number, max_size=2)))
    (copy / "run.json").write_bytes(msgspec.json.encode(document))
    read_or_refuse(copy, page=page)


def test_a_hangup_in_the_middle_keeps_what_was_measured(tmp_path):
    options = (
        "--rate",
        200,
        "--duration",
        "30s",
        "--warmup",
        "0s",
        "--json",
        "--no-report",
        "--out",
        tmp_path / "runs",
    )
    with started("run", "steady", "--target", "known:constant", *options) as process:
        until_called(tmp_path / "runs", process, 20)
        process.send_signal(signal.SIGHUP)
        said = end_of(process)
    assert said.code == 130
    assert said.run["interrupted"]
    assert said.run["outcomes"]["completed"] >= 20
