"""Profiles of stored runs as files: of load runs, and of runs that were made for their profiles."""

import gzip
import json

from tests.support import pprof
from tests.support.cli import inside
from tests.support.profile_builder import CALM, Made, store
from tests.support.run_builder import make_run

TEXT = "# unit: samples.\noperation:call;f (m.py) 30\n"
WAIT = "# unit: ns.\noperation:call;g (m.py) 5000\n"
CPU = {"cpu": {"file": "cpu/cpu.folded", "facts": {"rate_got_hz": 100.0, "samples": 30}}}


def names(said):
    return [path.rpartition("/")[2] for one in said.document["exports"] for path in one["files"]]


def test_each_profile_of_a_load_run_is_written_with_its_side(tmp_path):
    run = make_run(tmp_path, folded={"cpu/cpu.folded": TEXT, "wait/wait.folded": WAIT}, profiles=CPU)
    formats = [word for name in ("pprof", "firefox", "speedscope") for word in ("--format", name)]
    said = inside(tmp_path, "export", run, *formats, "--json")
    assert said.code == 0
    assert names(said) == [
        "cpu.pb.gz", "wait.pb.gz", "firefox-profiler.json.gz", "cpu.speedscope.json", "wait.speedscope.json",
    ]  # fmt: skip
    message = pprof.read((run / "export" / "cpu.pb.gz").read_bytes())
    assert pprof.labels_of(message) == [{"operation": "call", "side": "baseline"}]
    assert message.sample[0].value[:] == [30, 300_000_000]
    threads = json.loads(gzip.decompress((run / "export" / "firefox-profiler.json.gz").read_bytes()))[
        "threads"
    ]
    assert [(one["name"], one["processName"]) for one in threads] == [
        ("cpu (samples)", "baseline"),
        ("wait (ns)", "baseline"),
    ]


def test_a_run_that_was_made_for_its_profiles_is_exported_as_pprof_by_default(tmp_path):
    sides = [store(tmp_path, Made("base", CALM)).path, store(tmp_path, Made("new", CALM)).path]
    said = inside(tmp_path, "export", *sides, "--json")
    assert (said.code, names(said)) == (0, ["cpu.pb.gz", "cpu.pb.gz"])
    message = pprof.read((sides[1] / "export" / "cpu.pb.gz").read_bytes())
    assert {labels["side"] for labels in pprof.labels_of(message)} == {"new"}
    assert sum(pprof.stacks_of(message).values()) == sum(CALM) + sum(200 + number for number in range(1, 6))
    assert message.period == 10_000_000


def test_a_format_of_calls_is_refused_for_it(tmp_path):
    side = store(tmp_path, Made("base", CALM)).path
    said = inside(tmp_path, "export", side, "--format", "csv")
    assert said.code == 2
    assert "was made for its profiles alone: it has nothing for csv" in said.error


def test_a_run_without_profiles_says_so(tmp_path):
    run = make_run(tmp_path)
    said = inside(tmp_path, "export", run, "--format", "pprof")
    assert said.code == 0
    assert "has no profile to write: run with --profile cpu,memory" in said.stderr
    assert not (run / "export").exists()


def test_a_damaged_profile_is_named(tmp_path):
    run = make_run(tmp_path, folded={"cpu/cpu.folded": "operation:call;f (m.py) many\n"})
    said = inside(tmp_path, "export", run, "--format", "pprof")
    assert (said.code, "cpu.folded:1" in said.error) == (5, True)
