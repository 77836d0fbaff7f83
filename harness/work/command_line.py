"""The command line that a document keeps: what a person typed to get it."""

import shlex
import sys


def command_line(program: str = "harness") -> str:
    """Return the command line of this process, quoted for a shell, with `program` for the path of its script."""
    return shlex.join([program, *sys.argv[1:]])
