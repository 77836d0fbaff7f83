"""Write a command's output: documents to stdout, messages to stderr, progress to a terminal."""

import contextlib
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from harness.console.outlet import Outlet
from harness.processes.measure import Tick
from harness.redaction.documents import without_secrets
from harness.redaction.visible import shown, shown_lines, visible

if TYPE_CHECKING:
    from harness.errors import HarnessError

DESCRIPTION = TextColumn("{task.description}", markup=False)
"""Column of a bar with its description: without markup, for it contains names chosen by users."""


def _beneath(stream: TextIO | None) -> TextIO | None:
    """Return the real stream: while a bar is shown, rich replaces it by one that prints through our console."""
    return getattr(stream, "rich_proxied_file", stream)


class Talk:
    """Output of a command while it works."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.is_verbose = False
        """True if the full text of the answer is wanted; set once the arguments are parsed."""
        self.ended_by: HarnessError | None = None
        """Error that ended the work early although some of it was kept: the JSON document has it too."""
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
        """Stream of the answer for people: stdout, or stderr beside a JSON document."""
        return cast("TextIO", self._stderr if self.as_json else self._stdout)

    def say(self, sentence: str) -> None:
        """Write a message for the waiting person; further lines of it stay below."""
        self.console.print(Text(shown_lines(sentence)))

    def answer(self, text: str) -> None:
        """Write a line of the answer for people."""
        self.people.write(f"{shown(text)}\n")
        self.people.flush()

    def document(self, document: dict[str, Any]) -> None:
        """Print the JSON document of a command called with `--json`."""
        is_unicode = self._stdout.encoding.lower().replace("-", "").startswith("utf")
        if self.ended_by is not None:
            document = {**document, "error": document.get("error", self.ended_by.as_json())}
        # JSON leaves some characters that steer a terminal; escaped as code points the document stays the same.
        text = visible(json.dumps(without_secrets(document), ensure_ascii=not is_unicode, allow_nan=False))
        self._stdout.write(f"{text}\n")
        self._stdout.flush()

    def lost(self) -> str | None:
        """Flush the output and return why some of it could not be printed; None if all of it was.

        A reader that closed the pipe, such as `head`, wanted no more: this does not count and changes no exit code.
        """
        self._stderr.flush()
        self._stdout.flush()
        return self._stdout.trouble

    @contextlib.contextmanager
    def progress(self, what: str, duration_s: float, warmup_s: float = 0.0) -> Iterator[Tick]:
        """Show `what` as a bar on a terminal, as one line elsewhere; yields a function that takes the elapsed time."""
        if not self.console.is_terminal:
            self.say(f"{what} …")
            yield lambda _elapsed_s: None
            return
        with Progress(DESCRIPTION, BarColumn(), TimeElapsedColumn(), console=self.console) as bar:
            task = bar.add_task(shown(what), total=duration_s + warmup_s)
            yield lambda elapsed_s: bar.update(task, completed=max(elapsed_s + warmup_s, 0.0))
            bar.update(task, completed=duration_s + warmup_s)
