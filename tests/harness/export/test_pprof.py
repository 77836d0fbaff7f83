"""Export to pprof: Google's protobuf reads the same stacks, weights and labels back, and so does Go's own tool."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.export.pprof import as_pprof
from harness.export.stacks import Stacks
from harness.profiles.stacks.folded import Profile
from tests.support import pprof

frames = st.text(min_size=1, max_size=8)
stacks = st.dictionaries(
    st.lists(frames, min_size=1, max_size=5).map(tuple), st.integers(0, 2**63 - 1), max_size=8
)
CPU = Profile(
    "samples",
    {
        ("operation:GET /a", "handle (shop/app.py)", "total (shop/prices.py)"): 30,
        ("operation:GET /b", "handle (shop/app.py)"): 12,
        ("(driver)", "run (harness/load/engine.py)"): 8,
    },
    {"total (shop/prices.py)": 41},
)


@given(stacks)
def test_every_stack_comes_back_with_its_weight(found):
    message = pprof.read(as_pprof(Stacks("cpu", "base", Profile("samples", found))))
    back = [tuple(name for name, _, _ in stack) for stack in pprof.stacks_of(message)]
    named = [tuple(frame.encode("utf-8", "replace").decode() for frame in stack) for stack in found]
    assert back == named
    assert [one.value[0] for one in message.sample] == list(found.values())
    assert message.string_table[0] == ""


def test_functions_have_files_and_lines_and_samples_have_labels():
    message = pprof.read(as_pprof(Stacks("cpu", "baseline", CPU, 1_760_000_000.5, 10.0, 1e7)))
    stack = (
        ("operation:GET /a", "", 0),
        ("handle", "shop/app.py", 0),
        ("total", "shop/prices.py", 41),
    )
    assert pprof.stacks_of(message)[stack] == 30
    assert pprof.labels_of(message) == [
        {"side": "baseline", "operation": "GET /a"},
        {"side": "baseline", "operation": "GET /b"},
        {"side": "baseline"},
    ]
    assert (message.time_nanos, message.duration_nanos) == (1_760_000_000_500_000_000, 10_000_000_000)


def test_samples_of_a_known_rate_are_cpu_time_too():
    message = pprof.read(as_pprof(Stacks("cpu", "base", CPU, ns_per_sample=1e7)))
    assert pprof.types_of(message) == [("samples", "count"), ("cpu", "nanoseconds")]
    assert sum(pprof.stacks_of(message, 1).values()) == 50 * 10_000_000
    assert message.period == 10_000_000


@pytest.mark.parametrize(
    ("unit", "kind"), [("bytes", ("space", "bytes")), ("allocations", ("allocations", "count")), ("ns", ("wait", "nanoseconds"))]
)  # fmt: skip
def test_other_units_have_pprofs_names(unit, kind):
    message = pprof.read(as_pprof(Stacks("x", "base", Profile(unit, {("a",): 1.6}))))
    assert pprof.types_of(message) == [kind]
    assert message.sample[0].value[:] == [2]


def test_a_weight_beyond_64_bits_is_the_largest_number():
    message = pprof.read(as_pprof(Stacks("x", "base", Profile("bytes", {("a",): 1e30}))))
    assert message.sample[0].value[:] == [2**63 - 1]


@pytest.mark.skipif(not shutil.which("go"), reason="Go is not installed (Debian: golang-go)")
def test_go_tool_pprof_reads_functions_and_labels(tmp_path):
    path = tmp_path / "cpu.pb.gz"
    path.write_bytes(as_pprof(Stacks("cpu", "baseline", CPU, 1_760_000_000.0, 10.0, 1e7)))

    def said(*words):
        command = ["go", "tool", "pprof", *words, str(path)]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    assert "Total samples = 500ms" in said("-top")
    assert "shop/prices.py:41" in said("-lines", "-top")
    tags = said("-tags")
    assert "GET /a" in tags
    assert "baseline" in tags
    focused = said("-top", "-tagfocus=operation=GET /b")
    assert "120ms 24.00%  handle" in focused
    assert "operation:GET /a" not in focused
