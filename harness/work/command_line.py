"""The command line stored in a document, as the user typed it."""

import shlex
import sys


def command_line(program: str = "harness") -> str:
    """Return the command line of this process, quoted for a shell, with `program` in place of the script's path."""
    return shlex.join([*program.split(), *sys.argv[1:]])
