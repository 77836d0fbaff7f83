"""Memory profiles: counts of a target whose allocations are known, the same in every run."""

import subprocess
import sys

import pytest

from harness.errors import HarnessError, InvalidRunError
from harness.profiles.capture.memory import MemoryProfiler, fold
from harness.profiles.stacks.qualified import QualifiedNames
from tests.support.paths import ROOT

ROOT = str(ROOT)

# Its own process, as in a run: what pytest allocated before must not matter.
SCRIPT = """
import json, random, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from harness.profiles.stacks.marker import marked
from harness.profiles.capture.memory import MemoryProfiler

class Store:
    def __init__(self):
        self.kept = []
    def buffers(self, count):
        return [bytearray(1000) for _ in range(count)]
    def keep(self, size):
        self.kept.append(bytearray(size))
    def document(self, count):
        return json.loads(json.dumps({str(i): {"tags": {"a", "b"} and [i] * 9} for i in range(count)}))

store = Store()
operations = [
    (marked(store.buffers, "GET /a;b\\n(x)"), 50),
    (marked(store.keep, "keep"), 100_000),
    (marked(store.document, "document"), 40),
]
def requests():
    for call, event in operations * 5:
        call(event)
requests()
noise = [object() for _ in range(random.Random().randrange(10_000))]
store.kept.clear()
with MemoryProfiler(Path(sys.argv[2])):
    outside = [bytearray(300_000) for _ in range(random.Random().randrange(1, 9))]
    del outside
    requests()
"""
BUFFERS = "GET /a;b\n(x)"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three runs of the same requests, folded; different checkouts, different noise, different hash seeds."""
    folded = []
    for number in range(3):
        folder = tmp_path_factory.mktemp(f"checkout{number}")
        script, output = folder / "busy.py", folder / "memory.bin"
        script.write_text("\n" * number + SCRIPT)
        subprocess.run([sys.executable, str(script), ROOT, str(output)], check=True, timeout=60)
        folded.append(fold(output, [str(folder)]))
    return folded


def test_counts_within_operations_are_identical_over_three_runs(runs):
    first, *others = runs
    for other in others:
        assert other.allocations.stacks == first.allocations.stacks
        assert other.bytes.stacks == first.bytes.stacks
        assert other.facts.allocations_per_operation == first.facts.allocations_per_operation
        assert other.facts.leaked_bytes_within == first.facts.leaked_bytes_within
    assert first.facts.allocations > 1000


def test_what_each_operation_allocates_is_what_it_was_written_to_allocate(runs):
    profile, facts = runs[0].bytes, runs[0].facts
    listcomp = ("Store.buffers (busy.py)", "Store.buffers.<locals>.<listcomp> (busy.py)")
    buffers = sum(
        weight for stack, weight in profile.by_operation()[BUFFERS].stacks.items() if stack == listcomp
    )
    # 5 requests of 50 buffers of 1,000 bytes (and one for the end), each with its bytearray object.
    assert buffers >= 5 * 50 * 1001
    assert buffers < 5 * 50 * 1200
    assert facts.bytes_per_operation["keep"] >= 5 * 100_000
    assert set(facts.allocations_per_operation) == {BUFFERS, "keep", "document"}


def test_what_is_kept_has_leaked_and_what_is_freed_has_not(runs):
    facts = runs[0].facts
    assert 500_000 <= facts.leaked_bytes_within < 520_000
    assert facts.leaked_bytes >= facts.leaked_bytes_within


def test_the_peak_holds_everything_and_names_who_held_it(runs):
    for run in runs:
        assert run.peak.total == run.facts.peak_bytes
        assert run.facts.peak_bytes > run.facts.leaked_bytes
        assert run.peak.by_operation().keys() <= {BUFFERS, "keep", "document", "(outside)"}


def test_what_happened_outside_is_stated_and_not_mixed_in(runs):
    for run in runs:
        assert run.facts.outside_bytes >= 300_000
        # Frees are none: there are about as many of them as allocations.
        assert 0 < run.facts.outside_allocations < run.facts.allocations / 2
        assert "(outside)" not in run.allocations.by_operation()


def test_totals_agree_with_the_profiles(runs):
    for allocations, sizes, _, leaks, facts in runs:
        assert facts.leaked_bytes_within == leaks.total
        assert allocations.total == facts.allocations == sum(facts.allocations_per_operation.values())
        assert sizes.total == facts.allocated_bytes == sum(facts.bytes_per_operation.values())
        assert (allocations.unit, sizes.unit) == ("allocations", "bytes")


def test_frames_are_keyed_as_in_a_cpu_profile_with_lines_beside_them(runs):
    lines = runs[0].bytes.lines
    assert (
        lines["Store.keep (busy.py)"]
        == SCRIPT.split("\n").index("        self.kept.append(bytearray(size))") + 1
    )
    assert runs[1].bytes.lines["Store.keep (busy.py)"] == lines["Store.keep (busy.py)"] + 1


def test_a_missing_file_is_an_invalid_run(tmp_path):
    with pytest.raises(InvalidRunError, match=r"no\.bin"):
        fold(tmp_path / "no.bin")


def test_a_damaged_file_is_an_invalid_run(tmp_path):
    (tmp_path / "memory.bin").write_bytes(b"memray" + b"\x00" * 100)
    with pytest.raises(InvalidRunError, match="cannot be read"):
        fold(tmp_path / "memory.bin")


def test_a_folder_that_does_not_exist_is_an_error_with_its_path(tmp_path):
    with pytest.raises(HarnessError, match="cannot be tracked"):
        MemoryProfiler(tmp_path / "no" / "memory.bin").__enter__()


def test_names_are_qualified_from_the_source_and_plain_without_it(tmp_path):
    source = tmp_path / "m.py"
    source.write_text(
        "class A:\n    def f(self):\n        return [\n            i for i in ()\n        ]\ndef f():\n    pass\n"
    )
    names = QualifiedNames()
    assert names.find("f", str(source), 3) == "A.f"
    assert names.find("f", str(source), 7) == "f"
    assert names.find("g", str(source), 3) == "g"
    assert names.find("f", str(tmp_path / "gone.py"), 3) == "f"
    (tmp_path / "broken.py").write_text("def f(:")
    assert names.find("f", str(tmp_path / "broken.py"), 1) == "f"
