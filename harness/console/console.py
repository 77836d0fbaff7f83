"""How a command speaks: documents on stdout, everything said on the way on stderr, progress where a terminal is."""

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from harness.console.outlet import Outlet
from harness.processes.measure import Tick
from harness.redaction.documents import without_secrets
from harness.redaction.visible import shown, shown_lines, visible

DESCRIPTION = TextColumn("{task.description}", markup=False)
"""The column of a bar that says what it is of: never markup, for it names what others called so."""


def _beneath(stream: TextIO | None) -> TextIO | None:
    """Return the stream itself: under a bar, rich puts one in its place that prints through the console, which is ours."""
    return getattr(stream, "rich_proxied_file", stream)


class Talk:
    """What a command says while it works."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.is_verbose = False
        """True where the text of the answer is wanted whole: set when the words of the command are understood."""
        self._stdout = Outlet(lambda: _beneath(sys.stdout))
        self._stderr = Outlet(lambda: _beneath(sys.stderr))
        self.console = Console(
            file=cast("TextIO", self._stderr),
            stderr=True,
            soft_wrap=True,
            highlight=False,
            markup=False,
            emoji=False,
        )

    @property
    def people(self) -> TextIO:
        """The stream of the answer for people: stdout, or stderr beside a document."""
        return cast("TextIO", self._stderr if self.as_json else self._stdout)

    def say(self, sentence: str) -> None:
        """Say a sentence to the person who waits, and whatever stands in lines below it."""
        self.console.print(Text(shown_lines(sentence)))

    def answer(self, text: str) -> None:
        """Write a line of the answer for people."""
        self.people.write(f"{shown(text)}\n")
        self.people.flush()

    def document(self, document: dict[str, Any]) -> None:
        """Print the one JSON document of a command called with `--json`."""
        is_unicode = self._stdout.encoding.lower().replace("-", "").startswith("utf")
        # What JSON leaves as it is may still steer a terminal; as code points it is the same document.
        text = visible(json.dumps(without_secrets(document), ensure_ascii=not is_unicode, allow_nan=False))
        self._stdout.write(f"{text}\n")
        self._stdout.flush()

    def lost(self) -> str | None:
        """Hand over what is still to be printed, and return why not all of it could be; None where it could.

        A reader that went away, such as `head`, wanted no more: that is no trouble, and changes no exit code.
        """
        self._stderr.flush()
        self._stdout.flush()
        return self._stdout.trouble

    @contextlib.contextmanager
    def progress(self, what: str, duration_s: float, warmup_s: float = 0.0) -> Iterator[Tick]:
        """Show `what` as a bar on a terminal, as one line elsewhere; yields what is to be told the elapsed time."""
        if not self.console.is_terminal:
            self.say(f"{what} …")
            yield lambda _elapsed_s: None
            return
        with Progress(DESCRIPTION, BarColumn(), TimeElapsedColumn(), console=self.console) as bar:
            task = bar.add_task(shown(what), total=duration_s + warmup_s)
            yield lambda elapsed_s: bar.update(task, completed=max(elapsed_s + warmup_s, 0.0))
            bar.update(task, completed=duration_s + warmup_s)
