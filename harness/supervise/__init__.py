"""Start and end every child process of the product: servers, measured workers, profilers and clients.

A `Supervisor` starts children, returns `Child` objects, and ends all of them when its `with` block ends, for
any reason. Two independent mechanisms cover a kill of the supervising process itself:

- each child asks the kernel for SIGKILL when its parent dies (`launch.py`, before the real program starts);
- one small guardian process (`guardian.py`) detects that the supervisor is gone and kills the process group of
  every child, so that grandchildren end too.

Every child leads its own process group: a Ctrl-C in the terminal reaches only the supervisor, which then ends
its children in order.
"""

from harness.supervise.child import Child
from harness.supervise.ending import ending, how_it_ended
from harness.supervise.private_folder import private_folder, sweep
from harness.supervise.ready import not_ready, ready_yet, wait_ready
from harness.supervise.secret import Secrets
from harness.supervise.supervisor import Supervisor
from harness.supervise.termination import TerminationError, termination_as_exception

__all__ = [
    "Child",
    "Secrets",
    "Supervisor",
    "TerminationError",
    "ending",
    "how_it_ended",
    "not_ready",
    "private_folder",
    "ready_yet",
    "sweep",
    "termination_as_exception",
    "wait_ready",
]
