"""Show a run on the terminal while it is measured: rates, percentiles, outcomes, stage and remaining time."""

import contextlib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from harness.console.console import Talk
from harness.model import Executor
from harness.processes.loadrun import LoadPlan
from harness.processes.measure import Tick
from harness.reading.live import RECENT_S, Figures, Glance, LiveRun
from harness.redaction.visible import visible
from harness.table import shares
from harness.units import format_count, format_duration, format_ns, format_rate

WIDTH = 80
EVERY_S = 0.5
"""Time between two looks in s: each look takes CPU from the measured machine."""
_PERCENTILES = (0.5, 0.95, 0.99)
_HEAD = ("", "planned", "completed", "p50", "p95", "p99", "max")


@contextlib.contextmanager
def watched(talk: Talk, what: str, plan: LoadPlan, timing: Path) -> Iterator[Tick]:
    """Show the run of `plan`, stored in the folder `timing`, live on a terminal; elsewhere as `Talk.progress` does.

    Yields a function that takes the elapsed time. At the end only a line with the name of the run stays visible.
    """
    if talk.as_json or not talk.console.is_interactive:
        with talk.progress(what, plan.duration_s, plan.warmup_s) as tick:
            yield tick
        return
    talk.say(f"{what} …")
    last_s = -float("inf")
    with (
        _live_run(plan, timing) as run,
        Live(console=talk.console, auto_refresh=False, transient=True) as live,
    ):

        def tick(elapsed_s: float) -> None:
            nonlocal last_s
            if elapsed_s - last_s >= EVERY_S:
                last_s = elapsed_s
                # An unreadable table is not shown, but does not end the run.
                with contextlib.suppress(OSError):
                    live.update(drawn(run.look(elapsed_s), plan), refresh=True)

        yield tick


def _live_run(plan: LoadPlan, timing: Path) -> LiveRun:
    folders = [timing] if plan.workers == 1 else [timing / shares.name_of(n) for n in range(plan.workers)]
    tables = [folder / shares.CALLS for folder in folders]
    return LiveRun(tables, plan.spans, is_open=plan.scenario.executor is Executor.OPEN)


def drawn(glance: Glance, plan: LoadPlan) -> RenderableType:
    """Return the display of one moment of a run, in lines of at most 80 columns."""
    recent_s = min(max(math.ceil(glance.recent.span_s), 1), round(RECENT_S))
    return Group(
        _line(_where(glance, plan), _left(plan.duration_s - glance.elapsed_s)),
        _bar((glance.elapsed_s + plan.warmup_s) / (plan.duration_s + plan.warmup_s)),
        _text(_row(_HEAD), "dim"),
        _text(_row((f"last {recent_s} s", *_figures(glance.recent)))),
        _text(_row(("so far", *_figures(glance.so_far)))),
        _text(_outcomes(glance.outcomes)),
        _text(_now(glance)),
    )


def _where(glance: Glance, plan: LoadPlan) -> str:
    """Return the stage, with its number where there are several, and what the figures do not show."""
    labels = [span.label for span in plan.spans if not span.warmup]
    is_one_of_several = len(labels) > 1 and glance.stage in labels
    words = [
        f"{glance.stage} (stage {labels.index(glance.stage) + 1} of {len(labels)})"
        if is_one_of_several
        else glance.stage
    ]
    if -plan.warmup_s <= glance.elapsed_s < 0:
        words.append("not counted")
    if plan.scenario.executor is Executor.CLOSED:
        words.append(f"{plan.users} users")
    if plan.workers > 1:
        words.append(f"{plan.workers} workers")
    return " · ".join(words)


def _left(left_s: float) -> str:
    return f"{format_duration(math.ceil(left_s))} left" if left_s > 0 else ""


def _bar(share: float) -> Text:
    full = round(WIDTH * min(max(share, 0.0), 1.0))
    return _text("").append("━" * full, "cyan").append("━" * (WIDTH - full), "dim")


def _line(left: str, right: str) -> Text:
    """Return a line with text at both ends; where both do not fit, the left text is cut."""
    room = WIDTH - len(right) - 2
    left = left if len(left) <= room else f"{left[: room - 1]}…"
    return _text(f"{left:<{room}}  {right}")


def _text(words: str, style: str = "") -> Text:
    """Return a line that a narrow terminal cuts: a wrapped line would break the layout."""
    return Text(visible(words), style, no_wrap=True, overflow="crop")


def _row(words: tuple[str, ...]) -> str:
    label, *cells = words
    return (
        f"{label:<9}" + "".join(f"{cell:>11}" for cell in cells[:2]) + "".join(f"{c:>12}" for c in cells[2:])
    )


def _figures(figures: Figures) -> tuple[str, ...]:
    response = figures.response
    return (
        format_rate(figures.planned_per_s),
        format_rate(figures.completed_per_s),
        *(format_ns(response.supported_percentile(share)) for share in _PERCENTILES),
        format_ns(response.high if response.count else None),
    )


def _outcomes(outcomes: Mapping[str, int]) -> str:
    words = (f"{format_count(count)} {name.replace('_', ' ')}" for name, count in outcomes.items())
    return f"{'ended':<9} {', '.join(words)}"


def _now(glance: Glance) -> str:
    waiting = f", {format_count(glance.waiting)} due and not started" if glance.waiting else ""
    oldest = f"; the oldest for {format_ns(glance.oldest_s * 1e9)}" if glance.oldest_s else ""
    return f"{'now':<9} {format_count(glance.in_flight)} in flight{waiting}{oldest}"
