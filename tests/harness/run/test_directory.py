"""The run directory: written whole or not at all, read or refused with a sentence."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode, HarnessError, InvalidRunError
from harness.plans.span import Span
from harness.run.directory import RunDirectory, write_atomically
from harness.run.documents import HostFacts, PlanFacts, RunDocument
from harness.run.facts import LoadFacts
from harness.storage.folder import SCHEMA

NAMES = st.text(max_size=80)
EXAMPLES = settings(max_examples=100, deadline=None)


def a_document(**changes):
    plan = PlanFacts(
        executor="open",
        arrivals="uniform",
        rate_per_s=10.0,
        users=1,
        think_time_s=0.0,
        duration_s=1.0,
        warmup_s=0.5,
        in_flight_limit=100,
        drain_s=5.0,
        spans=(Span("warm-up", -0.5, 0.0, 10.0, 10.0, warmup=True), Span("steady", 0.0, 1.0, 10.0, 10.0)),
        operations={"read": 0.75, "write": 0.25},
    )
    return RunDocument(
        **{
            "scenario": "steady",
            "target": "known:noop",
            "variant": "",
            "seed": 7,
            "started_at": "2026-01-02T03:04:05+00:00",
            "command": "harness run steady",
            "plan": plan,
            "environment": {"cores": 2},
        }
        | changes
    )


def refusal(directory):
    with pytest.raises(InvalidRunError) as caught:
        directory.read()
    assert caught.value.exit_code is ExitCode.INVALID
    assert caught.value.where == str(directory.document_path)
    assert caught.value.remedy
    return caught.value.what


def test_a_document_comes_back_as_it_was_written(tmp_path):
    directory = RunDirectory.create(tmp_path, "steady", "")
    written = a_document(host=HostFacts(cpu_share=0.5), trouble=["one"], interrupted=True)
    directory.write(written)
    assert directory.read() == written


def test_facts_come_back_as_they_were_written(tmp_path):
    directory = RunDirectory.create(tmp_path, "steady", "")
    written = LoadFacts(origin_ns=5, origin_unix_s=1.5, counters={"read": {"calls": 3}})
    directory.write_facts(written)
    assert directory.read_facts() == written


def test_the_document_is_plain_json_with_its_schema_first(tmp_path):
    directory = RunDirectory.create(tmp_path, "steady", "")
    directory.write(a_document())
    document = json.loads(directory.document_path.read_text())
    assert next(iter(document)) == "schema"
    assert document["schema"] == SCHEMA == 1
    assert document["status"] == "running"


def test_every_run_has_a_folder_of_its_own(tmp_path):
    made = [RunDirectory.create(tmp_path, "steady", "optimised") for _ in range(20)]
    assert len({directory.path for directory in made}) == 20
    assert all(directory.timing.is_dir() for directory in made)
    assert all(directory.path.parent == tmp_path for directory in made)
    assert all("-steady-optimised-" in directory.path.name for directory in made)


@EXAMPLES
@given(NAMES, NAMES)
def test_no_name_leads_out_of_the_parent(tmp_path_factory, scenario, variant):
    parent = tmp_path_factory.mktemp("runs")
    path = RunDirectory.create(parent, scenario, variant).path
    assert path.parent == parent
    assert list(parent.iterdir()) == [path]
    assert len(path.name.encode()) <= 255


def test_long_names_are_cut_to_what_a_file_system_takes(tmp_path):
    assert len(RunDirectory.create(tmp_path, "a" * 300, "b" * 300).path.name) <= 255


def test_a_parent_is_made_where_there_is_none(tmp_path):
    assert RunDirectory.create(tmp_path / "a" / "b", "steady", "").timing.is_dir()


def test_a_parent_that_cannot_hold_a_folder_is_a_sentence(tmp_path):
    parent = tmp_path / "file"
    parent.touch()
    with pytest.raises(HarnessError, match=r"cannot be made: Not a directory .*--out") as caught:
        RunDirectory.create(parent, "steady", "")
    assert str(parent) in caught.value.where


def test_a_parent_without_write_permission_is_a_sentence():
    # No user may write here, root neither.
    with pytest.raises(HarnessError, match=r"cannot be made.*--out"):
        RunDirectory.create(Path("/proc"), "steady", "")


def test_a_run_that_never_began_leaves_nothing(tmp_path):
    directory = RunDirectory.create(tmp_path, "steady", "")
    (directory.servers / "deep").mkdir(parents=True)
    directory.discard()
    directory.discard()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("schema", [0, 2, 99])
def test_another_schema_is_refused_whatever_its_fields(tmp_path, schema):
    directory = RunDirectory(tmp_path)
    directory.document_path.write_text(json.dumps({"schema": schema, "plan": "another idea"}))
    assert refusal(directory) == f"This run has schema {schema}; this harness reads schema 1"


def test_a_field_that_a_later_harness_added_is_passed_over(tmp_path):
    directory = RunDirectory(tmp_path)
    directory.write(a_document())
    document = json.loads(directory.document_path.read_text()) | {"added": {"later": 1}}
    directory.document_path.write_text(json.dumps(document))
    assert directory.read() == a_document()


def test_a_missing_document_is_said_to_be_missing(tmp_path):
    assert refusal(RunDirectory(tmp_path)) == "The run has no readable run.json: No such file or directory"


@EXAMPLES
@given(st.data())
def test_a_document_cut_off_anywhere_is_damaged(tmp_path_factory, data):
    directory = RunDirectory(tmp_path_factory.mktemp("run"))
    directory.write(a_document())
    content = directory.document_path.read_bytes()
    directory.document_path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    assert refusal(directory).startswith("The run's run.json is damaged: ")


@EXAMPLES
@given(st.data())
def test_a_document_with_a_changed_byte_is_read_or_refused(tmp_path_factory, data):
    directory = RunDirectory(tmp_path_factory.mktemp("run"))
    directory.write(a_document())
    content = bytearray(directory.document_path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    directory.document_path.write_bytes(content)
    with contextlib.suppress(InvalidRunError):
        assert isinstance(directory.read(), RunDocument)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b'{"schema": "1"}',
        b"{}",
        b"\xff\xfe",
        b'{"schema": 1, "deep": ' + b"[" * 10**5,
    ],
)
def test_what_is_no_document_is_damaged(tmp_path, content):
    directory = RunDirectory(tmp_path)
    directory.document_path.write_bytes(content)
    assert refusal(directory).startswith("The run's run.json is damaged: ")


def test_damaged_facts_are_named(tmp_path):
    directory = RunDirectory.create(tmp_path, "steady", "")
    directory.facts_path.write_bytes(b'{"origin_ns": ')
    with pytest.raises(InvalidRunError, match=r"facts\.json is damaged"):
        directory.read_facts()


def test_a_write_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_reader_that_has_the_old_file_open_keeps_it(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"one")
    with path.open("rb") as reader:
        write_atomically(path, b"another")
        assert reader.read() == b"one"


def test_a_place_that_cannot_be_written_is_named_and_left_clean(tmp_path):
    path = tmp_path / "folder"
    (path / "inside").mkdir(parents=True)
    with pytest.raises(
        HarnessError, match=r"cannot be written: Is a directory .*name another place"
    ) as caught:
        write_atomically(path, b"content")
    assert caught.value.where == str(path)
    assert sorted(tmp_path.iterdir()) == [path]


FULL_DISK = """
    import resource, sys
    sys.dont_write_bytecode = True
    from pathlib import Path
    from harness.errors import HarnessError
    from harness.run.directory import write_atomically
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        write_atomically(Path(sys.argv[1]), b"x" * 2000)
    except HarnessError as error:
        print(error.what)
"""
# Says when it has begun, then rewrites one file with many different contents until it is killed.
ENDLESS = """
    import itertools, sys
    from pathlib import Path
    from harness.run.directory import write_atomically
    for number in itertools.count():
        write_atomically(Path(sys.argv[1]), b"%d" % (number % 10) * 300_000)
        if number == 20:
            print("begun", flush=True)
"""


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("A file cannot be written: File too large\n", "")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_writer_that_is_killed_leaves_a_whole_file(tmp_path):
    path = tmp_path / "file"
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(ENDLESS), str(path)], stdout=subprocess.PIPE
    ) as child:
        try:
            assert child.stdout.readline() == b"begun\n"
            for _ in range(200):
                content = path.read_bytes()
                assert len(content) == 300_000
                assert len(set(content)) == 1
        finally:
            os.kill(child.pid, signal.SIGKILL)
    content = path.read_bytes()
    assert len(content) == 300_000
    assert len(set(content)) == 1


def test_the_structures_refuse_fields_of_the_wrong_kind():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"origin_ns": "now", "origin_unix_s": 1.0}, LoadFacts)
