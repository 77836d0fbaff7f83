"""A target that takes the switch hook in the middle of a run gets no split, and is told so."""

import json

import numpy as np
import pytest

from harness.cli import main
from harness.table import calls

TARGET = """
import gevent, greenlet
from greenlet import settrace
class Tracing:
    calls = 0
    def call(self, event):
        self.calls += 1
        gevent.sleep(0.001)
        if self.calls == 20:
            self.trace()
class Keeps(Tracing):
    trace = staticmethod(lambda: settrace(lambda event, switch: None))
class PutsBack(Tracing):
    def trace(self):
        before = greenlet.settrace(lambda event, switch: None)
        gevent.sleep(0.001)
        greenlet.settrace(before)
"""


OF_ASYNCIO = """
import asyncio
class Policy(asyncio.DefaultEventLoopPolicy):
    "As uvloop's: the loop is not the one that asyncio would make."
class Steps:
    calls = 0
    async def call(self, event):
        self.calls += 1
        await asyncio.sleep(0.001)
        if self.calls == 20:
            run = asyncio.Handle._run
            asyncio.Handle._run = lambda handle: run(handle)
class Loop:
    def __init__(self):
        asyncio.set_event_loop_policy(Policy())
    async def call(self, event):
        await asyncio.sleep(0.001)
"""


@pytest.mark.parametrize(
    ("source", "kind", "hook"),
    [
        (TARGET, "Keeps", "greenlet trace function"),
        (TARGET, "PutsBack", "greenlet trace function"),
        (OF_ASYNCIO, "Steps", "event loop, or the function that runs its steps,"),
        (OF_ASYNCIO, "Loop", "event loop, or the function that runs its steps,"),
    ],
)
def test_a_run_whose_hook_was_taken_has_no_split_and_says_why(source, kind, hook, tmp_path, capsys):
    own = tmp_path / "own.py"
    own.write_text(source)
    out = tmp_path / "out"
    words = [
        "run",
        "closed",
        "--target",
        f"{own}:{kind}",
        "--users",
        "2",
        "--duration",
        "200ms",
        "--warmup",
        "0s",
    ]
    # A busy machine may make it invalid besides.
    assert main([*words, "--out", str(out), "--json"]) in {0, 5}
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["validity"] != "valid"
    assert any(f"replaced the {hook}" in reason for reason in run["reasons"])
    assert run["split_ns_per_switch"] is None
    assert run["held_by"] is None
    assert "another tool of the process has taken its hook" in run["profiles"]["wait"]["reason"]
    (directory,) = out.iterdir()
    table = calls.load(directory / "timing" / "calls.npy")
    completed = table[table["outcome"] == 2]
    assert len(completed) > 20
    assert np.unique(completed["run_ns"]).tolist() == np.unique(completed["wait_busy_ns"]).tolist() == [-1]
    assert f"replaced the {hook}" in (directory / "report.html").read_text()
