"""Make text safe to show: no character in it moves a cursor, reverses text, hides text or gives a command.

Names of operations, messages of targets and servers, file names and stored runs are foreign text. Every output to a
terminal, a log, a comment or a CSV cell passes through here, and a command for a shell through `typed`.
"""

import re
import shlex

from harness.redaction.redact import redact_text

# Controls, directional overrides and marks, line and paragraph separators, lone surrogates, noncharacters.
_HIDDEN = "\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff"
# GitHub and Azure treat a line that begins with two colons or contains `##[` as a command of the job.
_ORDER = r"(?<!\S):(?=:)|(?<=#)#(?=\[)"
_UNSEEN = re.compile(f"[\n{_HIDDEN}]|{_ORDER}")
_UNSEEN_IN_LINES = re.compile(f"[{_HIDDEN}]|{_ORDER}")


def visible(text: str) -> str:
    """Return `text` in one line, with every invisible character written as its code point."""
    return _UNSEEN.sub(_code_point, text)


def visible_lines(text: str) -> str:
    """Return `text` like `visible`, with its line feeds kept and its tabs as blanks: the end of a log, for example."""
    return _UNSEEN_IN_LINES.sub(_code_point, text.replace("\r\n", "\n").expandtabs())


def shown(text: str) -> str:
    """Return `text` for a terminal or a log: visible, and without secrets."""
    return visible(redact_text(text))


def shown_lines(text: str) -> str:
    """Return a text of several lines for a terminal or a log."""
    return visible_lines(redact_text(text))


def typed(*words: str) -> str:
    """Return a command for people to copy: every word is one word for the shell."""
    return shlex.join(words)


def _code_point(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
