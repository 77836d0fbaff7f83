"""Check whether this user may profile a process of their own on this machine."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from harness.errors import HarnessError
from harness.profiles.capture.cpu import RIGHTS_REMEDY, no_rights, py_spy_program
from harness.profiles.stacks.frames import ENGINE_ROOT
from harness.supervise import Supervisor, private_folder, wait_ready
from harness.supervise.ending import ending

_TIMEOUT_S = 15.0
_PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
from harness.profiles.capture.ptrace import allow_ptrace
allow_ptrace(int(sys.argv[2]))
print("ready", flush=True)
sys.stdin.read()
"""


class Ability(NamedTuple):
    """Result of the check: a sentence for people, and a remedy (empty if the check passed)."""

    ok: bool
    sentence: str
    remedy: str


def can_profile() -> Ability:
    """Try to profile a child of our own, as a run would: start it, let the profiler in, read its stack. Takes under 1 s."""
    with private_folder() as folder, Supervisor() as supervisor:
        log = folder / "py-spy.log"
        try:
            pid = _start_probe(supervisor, folder / "probe.log")
            child = supervisor.start("py-spy", [py_spy_program(), "dump", "--pid", str(pid)], log=log)
            code = child.wait(_TIMEOUT_S)
        except HarnessError as error:
            return Ability(ok=False, sentence="py-spy could not be tried.", remedy=str(error))
        said = child.log_tail(3)
    if code == 0:
        return Ability(ok=True, sentence="py-spy reads the stacks of our processes.", remedy="")
    if no_rights(said):
        return Ability(ok=False, sentence="py-spy may not read other processes.", remedy=RIGHTS_REMEDY)
    return Ability(
        ok=False,
        sentence=f"py-spy failed: {said or f'it {ending(code)}'}",
        remedy="Install py-spy 0.4.1 or newer for this interpreter, or run without CPU profiles.",
    )


def _start_probe(supervisor: Supervisor, log: Path) -> int:
    argv = [sys.executable, "-c", _PROBE, ENGINE_ROOT, str(os.getpid())]
    child = supervisor.start("probe", argv, log=log, stdin=subprocess.PIPE)
    wait_ready(child, lambda: "ready" in child.log_tail(1), _TIMEOUT_S, "The probe")
    return child.pid
