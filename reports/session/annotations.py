"""Print GitHub annotations: workflow commands that show a verdict beside the run of a job.

GitHub reads them from both stdout and stderr, so a command that prints JSON on stdout prints them on stderr. It
shows ten of each level for a step and silently drops the rest; so the last one gives the number not shown.
"""

from collections.abc import Mapping

from reports.session.model import Line, SessionView
from reports.shared.visible import visible

_LEVELS = {"regressed": "error", "invalid": "error", "inconclusive": "warning", "accepted": "notice"}
_STATUS_LEVELS = {0: "notice", 4: "warning"}
_MOST = 10
_TITLE = "Performance"


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Return true if a GitHub job reads the output."""
    return environ.get("GITHUB_ACTIONS") == "true"


def render_annotations(view: SessionView) -> str:
    """Return the lines to print: the overall sentence, then one for each comparison that needs attention."""
    said: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    level = (
        "error" if view.verdict in {"regressed", "invalid"} else _STATUS_LEVELS.get(view.exit_code, "error")
    )
    said[level].append(_command(level, _TITLE, view.sentence))
    for line in view.lines:
        if line.word in _LEVELS:
            level = _LEVELS[line.word]
            said[level].append(_command(level, f"{line.name} {line.word}", _message(line)))
    return "".join(
        f"{command}\n" for level, commands in said.items() for command in _at_most(level, commands)
    )


def _message(line: Line) -> str:
    return ". ".join(filter(None, (line.headline, line.evidence, *line.points))) or line.word


def _at_most(level: str, commands: list[str]) -> list[str]:
    if len(commands) <= _MOST:
        return commands
    hidden = len(commands) - _MOST + 1
    return [*commands[: _MOST - 1], _command(level, _TITLE, f"{hidden} more in the report")]


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """Return a text as the message of a workflow command, by the escaping of GitHub's own toolkit."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
