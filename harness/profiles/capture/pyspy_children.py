"""Remove the command lines from py-spy's raw text of a process and its children: they may hold secrets.

With `--subprocesses` every stack begins with a frame `process PID:"COMMAND LINE"` for each process from the measured one
down to its own. Command lines are not escaped, so a newline in one splits its row into several lines.

py-spy looks for new children every 0.1 s and reads a command line once. A child that is found just before it executes
another program keeps the name of a copy of its parent.
"""

import re
from pathlib import Path

from harness.profiles.stacks.frames import CHILD, FORKED

_BETWEEN_ROWS = re.compile(r'(?<=\d)\n(?=process \d+:")')
# A frame ends in a bracket, so the last quote before a `;` or the weight ends the last command line.
_ROW = re.compile(
    r'process (?P<pid>\d+):"(?P<commands>.*)"(?:;(?P<frames>.*))? (?P<weight>\d+)\s*', re.DOTALL
)
_NEXT_PROCESS = re.compile(r'";process \d+:"')
_PLAIN = re.compile(r"[\w.+-]{1,40}")
_VERSION = re.compile(r"(?<=python)\d[\d.]*$")
_FLAGS = re.compile(r"-[bBdEiIOPqsSuvx]+")
"""Options of the interpreter that take no argument."""
_WITH_ARGUMENT = {"-W", "-X"}


def hide_commands(raw: Path, pid: int) -> None:
    """Replace py-spy's file by `without_commands` of it. Raises OSError if it cannot be written; it is then empty."""
    text = raw.read_text("utf-8", "replace")
    raw.write_text("")
    raw.write_text(without_commands(text, pid), "utf-8")


def without_commands(text: str, pid: int) -> str:
    """Return the rows, one a line; those of process `pid` as py-spy writes them without children.

    Rows of a child begin with a frame of its program: see `program`. A malformed row becomes the frame `?`.
    """
    rows = filter(str.strip, _BETWEEN_ROWS.split(text))
    return "".join(f"{_row(row, pid)}\n" for row in rows)


def _row(row: str, pid: int) -> str:
    found = _ROW.fullmatch(row)
    if found is None:
        weight = row.rsplit(maxsplit=1)[-1]
        return f"? {weight if weight.isdecimal() else 1}"
    own, *below = _NEXT_PROCESS.split(found["commands"])
    frames = [found["frames"]] if found["frames"] else []
    if below or int(found["pid"]) != pid:
        command = below[-1] if below else own
        frames.insert(0, FORKED if below and command == own else program(command))
    return f"{';'.join(frames)} {found['weight']}"


def program(command: str) -> str:
    """Return the frame of a program: its name and, for Python, the script or module, without their folders.

    The rest of a command line is dropped: an argument may be a password, and `-c` may hold any text.
    """
    first, *others = command.split() or [""]
    name = _VERSION.sub("", _base(first))
    script = _script(others) if name == "python" else ""
    return f"{CHILD}{name or '?'}{script and f' {script}'}"


def _script(words: list[str]) -> str:
    while words:
        word = words.pop(0)
        if word in _WITH_ARGUMENT:
            words = words[1:]
        elif word == "-m":
            return f"-m {_base(words[0])}" if words else ""
        elif not word.startswith("-"):
            return _base(word)
        elif not _FLAGS.fullmatch(word):
            return "-c" if word == "-c" else ""
    return ""


def _base(word: str) -> str:
    found = _PLAIN.match(word.rpartition("/")[2])
    return found[0] if found else ""
