"""Export to speedscope: the same stacks and weights, in a document that its schema knows."""

import json

from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.export.speedscope import as_speedscope
from harness.profiles.stacks.folded import Profile
from tests.support.run_builder import make_run

frames = st.text(min_size=1, max_size=8)
profiles = st.dictionaries(
    st.lists(frames, min_size=1, max_size=5).map(tuple), st.integers(1, 10**6), max_size=8
).map(lambda stacks: Profile("samples", stacks))


def stacks_of(document, which):
    names = [frame["name"] for frame in document["shared"]["frames"]]
    found = document["profiles"][which]
    return {
        tuple(names[place] for place in stack): weight
        for stack, weight in zip(found["samples"], found["weights"], strict=True)
    }


@given(profiles, profiles)
def test_both_sides_come_back_with_shared_frames(before, after):
    document = json.loads(as_speedscope("cpu", [("before", before), ("after", after)]))
    assert stacks_of(document, 0) == before.stacks
    assert stacks_of(document, 1) == after.stacks
    assert [found["endValue"] for found in document["profiles"]] == [before.total, after.total]
    assert [found["name"] for found in document["profiles"]] == ["before", "after"]
    names = [frame["name"] for frame in document["shared"]["frames"]]
    assert len(names) == len(set(names))


def test_frames_carry_file_and_line_and_bytes_their_unit():
    profile = Profile("bytes", {("operation:a", "f (m/x.py)"): 5}, {"f (m/x.py)": 12})
    document = json.loads(as_speedscope("peak", [("one", profile)]))
    assert document["shared"]["frames"] == [
        {"name": "operation:a"},
        {"name": "f (m/x.py)", "file": "m/x.py", "line": 12},
    ]
    assert document["profiles"][0]["unit"] == "bytes"
    assert document["$schema"].endswith("file-format-schema.json")


def test_the_command_writes_each_profile_of_a_run(tmp_path, capsys):
    text = "# unit: samples.\noperation:call;f (m.py) 30\n"
    run = make_run(tmp_path, folded={"cpu/cpu.folded": text, "memory/peak.folded": text})
    assert main(["export", str(run), "--format", "speedscope", "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["exports"][0]["files"]
    assert [path.rpartition("/")[2] for path in files] == ["cpu.speedscope.json", "peak.speedscope.json"]
    with open(files[0], encoding="utf-8") as file:
        assert stacks_of(json.load(file), 0) == {("operation:call", "f (m.py)"): 30}
