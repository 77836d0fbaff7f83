"""Damaged and crafted run directories: one sentence and exit code 5, in little time and memory, whatever they hold."""

import contextlib
import copy
import json
import os
import resource
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cli import main
from harness.errors import ExitCode
from harness.session.receipt_file import NAME
from tests.support.cli import sentence_of
from tests.support.judge import receipt
from tests.support.run_builder import make_run

READERS = (
    ["report"],
    ["export", "--format", "csv", "--format", "hgrm", "--format", "speedscope"],
    ["judge"],
)
ONE_SENTENCE = {ExitCode.OK, ExitCode.USAGE, ExitCode.INVALID}
GIB = 2**30


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A small run with a profile, and what its documents hold."""
    folded = {
        "cpu/cpu.folded": "# unit: samples.\noperation:a;f (a.py) 3\n",
        "wait/by-latency.json": '{"frames": [], "operations": {}}',
    }
    path = make_run(
        tmp_path_factory.mktemp("sound"), duration_s=1.0, rate_per_s=40.0, folded=folded,
        profiles={"cpu": {"file": "cpu/cpu.folded", "facts": {"mode": "blocking"}, "requests": {"GET /health": 3}}},
    )  # fmt: skip
    (path / NAME).write_bytes(msgspec.json.encode(receipt()))
    return path


@pytest.fixture
def run(sound, tmp_path):
    return Path(shutil.copytree(sound, tmp_path / "run"))


@contextlib.contextmanager
def little_memory():
    """Let this process take no more than 2 GiB beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2 * GIB, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def refused(run, capsys, *words):
    """Return the one sentence in which the command refuses the run."""
    with little_memory():
        code = main([*words, str(run), "--json"])
    out, err = capsys.readouterr()
    said = json.loads(out)
    assert code is ExitCode.INVALID, said
    assert said["error"]["exit_code"] == ExitCode.INVALID
    assert "Traceback" not in err
    # Refused by name where it is read, and not by the net below.
    assert "The stored files are damaged" not in sentence_of(said)
    return sentence_of(said)


def changed(run, change, name="run.json"):
    document = json.loads((run / name).read_text())
    change(document)
    (run / name).write_text(json.dumps(document))


SPAN = {"label": "x", "start_s": 0.0, "end_s": 1.0, "start_rate_per_s": 1.0, "end_rate_per_s": 1.0}
CRAFTED = {
    "a duration of thirty years": (lambda d: d["plan"].update(duration_s=1e9), "duration_s"),
    "no span": (lambda d: d["plan"].update(spans=[]), "no measured span"),
    "only warm-up": (lambda d: d["plan"].update(spans=[SPAN | {"warmup": True}]), "no measured span"),
    "50,000 spans": (lambda d: d["plan"].update(spans=[SPAN] * 50_000), "spans"),
    "a million operations": (
        lambda d: d["plan"].update(operations={str(n): 1 for n in range(10**5)}),
        "operations",
    ),
    "another kind": (lambda d: d.update(kind="deployment"), "deployment"),
    "no start": (lambda d: d.update(status="started"), "Nothing was measured here"),
}


@pytest.mark.parametrize("case", CRAFTED)
@pytest.mark.parametrize("words", READERS[:2], ids=lambda words: words[0])
def test_a_crafted_document_is_refused_by_what_is_wrong_with_it(run, capsys, case, words):
    change, reason = CRAFTED[case]
    changed(run, change)
    assert reason in refused(run, capsys, *words)


@pytest.mark.parametrize(
    "name", ["run.json", "timing/calls.npy", "timing/heldby.npy", "timing/facts.json", NAME]
)
@pytest.mark.parametrize("kind", ["pipe", "zero", "folder", "loop", "huge"])
def test_what_stands_in_the_place_of_a_file_neither_hangs_nor_fills_the_memory(
    run, capsys, monkeypatch, name, kind
):
    # What is drawn of what could be read is nothing here.
    monkeypatch.setattr("reports.run.html.render", lambda _view: "a page")
    path = run / name
    path.unlink()
    make = {
        "pipe": os.mkfifo, "zero": lambda p: p.symlink_to("/dev/zero"), "folder": Path.mkdir,
        "loop": lambda p: p.symlink_to(p.name), "huge": lambda p: (p.touch(), os.truncate(p, 2**42)),
    }  # fmt: skip
    make[kind](path)
    words = "judge" if name == NAME else "report"
    with little_memory():
        code = main([words, str(run), "--json"])
    assert code in ({ExitCode.USAGE, ExitCode.INVALID} if name == NAME else {ExitCode.INVALID})
    out, err = capsys.readouterr()
    assert json.loads(out)
    assert "Traceback" not in err


def test_a_matrix_of_1e14_cells_takes_no_memory(run, capsys):
    with (run / "timing" / "heldby.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "<i8", "fortran_order": False, "shape": (10**7, 10**7)}
        )
    assert "not a table of 3 operations" in refused(run, capsys, "report")


def test_a_duration_that_the_calls_stretch_is_no_million_lines_of_csv(run, capsys):
    table = np.load(run / "timing" / "calls.npy", mmap_mode="r+")
    table["completed_ns"][-1] = 2**62
    table.flush()
    assert "lines of CSV (limit " in refused(run, capsys, "export", "--format", "csv")


def test_nesting_without_end_is_damage(run, capsys):
    text = (run / "run.json").read_text()
    for deep in (600, 10**6):
        (run / "run.json").write_text(
            text.replace('"commit": "0123abc"', f'"commit": {"[" * deep}{"]" * deep}')
        )
        with little_memory():
            assert main(["report", str(run)]) is ExitCode.INVALID
        err = capsys.readouterr().err
        assert "Traceback" not in err
        assert err.count("harness:") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["judge", "PIPE"],
        ["run", "replay", "--target", "known:noop", "--replay", "PIPE"],
        ["gate", "--policy", "PIPE"],
        ["run", "steady", "--target", "asset-core?data=./PIPE.jsonl", "--backends", "memory"],
    ],
    ids=lambda words: words[0],
)
def test_a_pipe_in_the_place_of_what_a_user_names_is_refused_at_once(tmp_path, monkeypatch, capsys, words):
    monkeypatch.chdir(tmp_path)
    for name in ("PIPE", "PIPE.jsonl"):
        os.mkfifo(name)
    assert main(words) is ExitCode.USAGE
    assert capsys.readouterr().err.startswith("harness: ")


def test_a_project_file_that_is_a_pipe_is_refused_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pyproject.toml")
    assert main(["run", "steady", "--target", "known:noop"]) is ExitCode.USAGE
    assert "it is a named pipe" in capsys.readouterr().err


EXTREMES = st.sampled_from(
    [None, True, -1, 0, 1e-300, 1e9, 1e308, 2**63, -(2**63), 10**30, "", "\x1b[31m\u202e", "=1+1", "x" * 5000, [], {}, [[]],
     {"": {}}, [1, 2, 3], "NaN", "load", "capacity", "finished"]
)  # fmt: skip


def places(value, at=()):
    """Yield the way to every value in a JSON document."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*at, key))


def put(document, at, value):
    document = copy.deepcopy(document)
    if not at:
        return value
    owner = document
    for key in at[:-1]:
        owner = owner[key]
    owner[at[-1]] = value
    return document


@st.composite
def damages(draw):
    """Return a function that damages one file of a run."""
    name = draw(st.sampled_from(["run.json", "run.json", "timing/facts.json", "timing/calls.npy", "timing/heldby.npy",
                                 "cpu/cpu.folded", "wait/by-latency.json", NAME]))  # fmt: skip
    place, value = draw(st.floats(0, 1, exclude_max=True)), draw(EXTREMES)
    how = draw(st.sampled_from(["value", "value", "value", "cut", "flip", "pipe", "gone", "empty"]))

    def damage(run):
        path = run / name
        if not path.is_file():
            # Another damage has been here, and may have left a pipe.
            return
        content = path.read_bytes()
        if how == "value" and path.suffix == ".json":
            with contextlib.suppress(ValueError):
                document = json.loads(content)
                every = list(places(document))
                path.write_text(json.dumps(put(document, every[int(place * len(every))], value)))
        elif how in {"pipe", "gone"}:
            path.unlink()
            if how == "pipe":
                os.mkfifo(path)
        elif how == "cut":
            path.write_bytes(content[: int(place * len(content))])
        elif how == "empty":
            path.write_bytes(b"")
        else:
            start = int(place * len(content))
            path.write_bytes(
                content[:start]
                + bytes(byte ^ 0xFF for byte in content[start : start + 8])
                + content[start + 8 :]
            )

    return damage


@given(st.lists(damages(), min_size=1, max_size=2))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_damage_leads_to_a_traceback(sound, tmp_path_factory, capsys, changes):
    run = Path(shutil.copytree(sound, tmp_path_factory.mktemp("damaged") / "run"))
    for damage in changes:
        damage(run)
    with little_memory():
        for words in READERS:
            assert main([*words, str(run), "--json"]) in {*ONE_SENTENCE, ExitCode.LIMIT_BROKEN}
        assert main(["clean", "--out", str(run.parent), "--dry-run"]) is ExitCode.OK
    assert "Traceback" not in capsys.readouterr().err
    shutil.rmtree(run)
