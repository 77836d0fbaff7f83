"""Drive one segment of a server by the users of a locustfile: Locust's own program in a process of its own, recorded.

The file is the same for all segments, and so is the seed within a block: users draw their tasks and waits from Python's `random`, and
the order in which their answers come is the server's.
"""

import os
import sys
from pathlib import Path

from harness.errors import RefusedError, TargetError
from harness.processes.loadrun import LoadPlan
from harness.supervise import Supervisor, ending

SEED_VARIABLE = "HARNESS_LOCUST_SEED"
"""Environment variable with the seed of `random` in Locust's process."""
_OUT_VARIABLE = "HARNESS_OUT"
_USAGE = 2
_END_S = 120.0
_QUOTED_LINES = 8


def run_locustfile(supervisor: Supervisor, file: Path, url: str, plan: LoadPlan, folder: Path) -> Path:
    """Run the file's users against `url` as long as `plan` says, and return the run directory, below a new `folder`.

    All users start within a second; the rest of warm-up is part of the measured time. Raises `RefusedError` for a file that Locust
    cannot run, `TargetError` if it left no run.
    """
    words = [
        "-f", str(file.absolute()), "--headless", "--only-summary", "--no-report", "--host", url,
        "-u", str(plan.users), "-r", str(plan.users), "-t", f"{plan.warmup_s + plan.duration_s:.0f}s",
    ]  # fmt: skip
    log = folder / "locust.log"
    with supervisor.start(
        "Locust",
        [sys.executable, "-P", "-m", "harness.locust", *words],
        log=log,
        env={**os.environ, _OUT_VARIABLE: str(folder.absolute()), SEED_VARIABLE: str(plan.seed)},
    ) as child:
        code = child.wait(plan.warmup_s + plan.duration_s + plan.drain_s + _END_S)
        said = child.log_tail(_QUOTED_LINES)
    runs = [path.parent for path in folder.glob("*/run.json")]
    if len(runs) != 1:
        family = RefusedError if code == _USAGE else TargetError
        raise family(
            f"The locustfile left no run: Locust {ending(code)}",
            where=str(file),
            remedy=f"Its output ends with:\n{said}" if said else "It wrote no output",
        )
    return runs[0]
