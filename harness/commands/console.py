"""How a command speaks: documents on stdout, everything said on the way on stderr, progress where a terminal is."""

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from harness.processes.measure import Tick
from harness.redact import redact_text
from harness.without_secrets import without_secrets


def forget_stdout() -> None:
    """Point stdout at nothing, so that the interpreter does not stumble over a broken pipe at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Talk:
    """What a command says while it works."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.console = Console(stderr=True, soft_wrap=True, highlight=False)

    def say(self, sentence: str) -> None:
        """Say one line to the person who waits."""
        self.console.print(redact_text(sentence), markup=False)

    def document(self, document: dict[str, Any]) -> None:
        """Print the one JSON document of a command called with `--json`.

        A reader that has gone does not change what the command found: its exit code must still tell.
        """
        try:
            sys.stdout.write(
                json.dumps(without_secrets(document), ensure_ascii=False, allow_nan=False) + "\n"
            )
            sys.stdout.flush()
        except BrokenPipeError:
            forget_stdout()

    @contextlib.contextmanager
    def progress(self, what: str, duration_s: float, warmup_s: float = 0.0) -> Iterator[Tick]:
        """Show `what` as a bar on a terminal, as one line elsewhere; yields what is to be told the elapsed time."""
        if not self.console.is_terminal:
            self.say(f"{what} …")
            yield lambda _elapsed_s: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task(redact_text(what), total=duration_s + warmup_s)
            yield lambda elapsed_s: bar.update(task, completed=max(elapsed_s + warmup_s, 0.0))
            bar.update(task, completed=duration_s + warmup_s)
