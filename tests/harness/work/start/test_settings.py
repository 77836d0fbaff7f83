"""The settings are appended: no byte of the project's file changes, and what comes out is read by the policy."""

import errno
import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.judge import policy_file
from harness.work.start import settings
from harness.work.start.proposal import Proposal
from harness.work.start.requests import request_lines
from harness.work.start.routes import Route
from harness.work.start.settings import POLICY, table_of, write

FOUND = Proposal(
    target="wsgi:shop:app",
    what="Flask application",
    others=("asgi:shop:other",),
    requests="requests.jsonl",
    new_files={"requests.jsonl": request_lines([Route("GET", "/items/<int:id>")])},
    source_roots=("shop",),
    suite="benchmarks",
)


def test_a_folder_without_settings_gets_a_file_with_nothing_else(tmp_path):
    written = write(tmp_path, FOUND)
    assert set(written.files) == {POLICY, "requests.jsonl"}
    policy = policy_file.read(tmp_path)
    assert (policy.target, policy.source_roots) == ("wsgi:shop:app", ("shop",))
    assert policy_file.parameters(tmp_path) == {"requests": "requests.jsonl"}
    assert (policy.suite, policy.suites) == ("benchmarks", ("micro", "exact"))
    (line,) = (tmp_path / "requests.jsonl").read_text().splitlines()
    assert json.loads(line) == {"operation": "GET /items/{id}", "method": "GET", "path": "/items/1"}


def test_every_comment_is_a_setting_that_the_policy_knows(tmp_path):
    lines = [line.removeprefix("# ") for line in table_of(FOUND).splitlines()]
    settings_alone = [line for line in lines if "=" in line or line.startswith("[")]
    # The other candidate's target would be a second one.
    text = "\n".join(line for line in settings_alone if "asgi:" not in line)
    (tmp_path / POLICY).write_text(text)
    policy = policy_file.read(tmp_path)
    assert (policy.base, [limit.slo for limit in policy.limits]) == ("main", ["p99<25ms,errors<0.1%"])


OLD = {
    "empty": b"",
    "blank": b"\n\n",
    "ends with a line's end": b'[project]\nname = "shop"\n',
    "ends without it": b'[project]\nname = "shop"',
    "ends in a comment": b"# the shop",
    "lines of Windows": b'[project]\r\nname = "shop"\r\n',
    "lines of Windows without an end": b'[tool.other]\r\nname = "sh\xc3\xb6p"',
    "another tool in a table of tables": b"[[tool.other]]\na = 1\n",
    "a table of tools": b"[tool]\nother = { a = 1 }\n",
    "text over several lines": b'a = """\n[tool.harness]\n"""\n',
}


@pytest.mark.parametrize("old", OLD.values(), ids=OLD)
def test_what_stands_in_the_file_stays_byte_for_byte(tmp_path, old):
    (tmp_path / POLICY).write_bytes(old)
    assert POLICY in write(tmp_path, FOUND).files
    new = (tmp_path / POLICY).read_bytes()
    assert new.startswith(old)
    assert policy_file.read(tmp_path).target == FOUND.target
    assert (b"\r\n" in old) == (b"\r\n" in new)
    assert new.count(b"\n") == new.count(b"\r\n") or b"\r\n" not in old, "no line has the other end"


@given(
    st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text()),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_any_settings_of_others_stay_as_they_are(tmp_path_factory, values, newline, ends):
    folder = tmp_path_factory.mktemp("project")
    lines = [
        f"{key} = {settings._text(value) if isinstance(value, str) else value}"
        for key, value in values.items()
    ]
    old = newline.join(["[tool.other]", *lines]) + (newline if ends else "")
    (folder / POLICY).write_bytes(old.encode())
    before = tomllib.loads(old)
    write(folder, FOUND)
    after = tomllib.loads((folder / POLICY).read_bytes().decode())
    assert after["tool"].pop("harness")["target"] == FOUND.target
    assert after == before


@pytest.mark.parametrize(
    "old",
    [
        b'[tool.harness]\ntarget = "mine"\n',
        b"tool = { other = 1 }\n",
        b"tool.harness.base = 'x'\n",
        b"tool = 1\n",
    ],
)
def test_a_file_that_cannot_be_added_to_is_left_alone_and_the_settings_are_returned(tmp_path, old):
    (tmp_path / POLICY).write_bytes(old)
    written = write(tmp_path, FOUND)
    assert (written.files, written.table) == (("requests.jsonl",), table_of(FOUND))
    assert (tmp_path / POLICY).read_bytes() == old


@pytest.mark.parametrize(
    "old", [b"[tool.harness", b"\xff\xfe", b"a = 1\na = 2\n", b"\xef\xbb\xbf[project]\n"]
)
def test_a_file_that_is_no_toml_is_told_and_nothing_is_written(tmp_path, old):
    (tmp_path / POLICY).write_bytes(old)
    with pytest.raises(UsageError, match="not valid TOML, so nothing was written"):
        write(tmp_path, FOUND)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {POLICY: old}


def test_requests_that_exist_are_kept(tmp_path):
    (tmp_path / "requests.jsonl").write_text("mine")
    written = write(tmp_path, FOUND)
    assert (written.files, written.kept) == ((POLICY,), ("requests.jsonl",))
    assert (tmp_path / "requests.jsonl").read_text() == "mine"


def test_a_folder_of_events_needs_no_requests(tmp_path):
    found = Proposal(target="lambda:app:handler", what="", requests="events")
    assert write(tmp_path, found).files == (POLICY,)


def test_a_disk_without_room_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / POLICY
    path.write_bytes(b"a = 1\n")
    with pytest.raises(OSError, match=POLICY) as failed:
        settings._append(path, _Bytes(b"[tool.harness]"))
    assert failed.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"a = 1\n"


class _Bytes(bytes):
    """Bytes that claim to be longer than what can be written of them."""

    def __len__(self):
        return super().__len__() + 1


@given(st.text())
def test_any_name_is_a_text_of_toml(name):
    if not any(0xD800 <= ord(character) < 0xE000 for character in name):
        assert tomllib.loads(f"a = {settings._text(name)}") == {"a": name}
