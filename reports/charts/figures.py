"""Draw charts: SVG for a page, PNG files for a pull request. Matplotlib is imported when needed."""

import contextlib
import dataclasses
import io
import re
import warnings
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.errors import HarnessError
from reports.charts import data
from reports.charts.readout import readout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PNG_DPI = 160
_BEFORE_SVG = re.compile(r"\A.*?(?=<svg)", re.DOTALL)
_NOISE = re.compile(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>|<!--.*?-->", re.DOTALL)
_SIZE = re.compile(r' width="[\d.]+pt" height="[\d.]+pt"')
_ID = re.compile(r'(\bid="|xlink:href="#|url\(#)')
_COORDINATE = re.compile(r"(\d+\.\d{2})\d+")
_TAG = re.compile(r"<[^>]*>")


@dataclasses.dataclass(frozen=True, slots=True)
class Drawing:
    """A chart as inline SVG, with the data of its pointer readout for JSON."""

    svg: str
    readout: list[dict[str, Any]]


class HasCharts(Protocol):
    """A view with charts."""

    @property
    def charts(self) -> tuple[data.Chart, ...]:
        """Charts in reading order."""


def draw(chart: data.Chart) -> Drawing:
    """Draw a chart: its colours are CSS variables, and its ids begin with its key, so that a page can hold many."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    with _drawn(chart.plot) as figure:
        # `savefig` writes the same but draws everything twice, first only for the layout, which this drawing does too.
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(buffer, metadata={"Date": None})
        panels = readout(chart.plot, figure)
    return Drawing(_for_the_page(buffer.getvalue(), chart), panels)


def _for_the_page(document: str, chart: data.Chart) -> str:
    from reports.charts.style import COLOURS

    def in_the_page(tag: re.Match[str]) -> str:
        """Shorten coordinates, make ids unique and replace colours in tags. Text between tags stays unchanged."""
        text = _ID.sub(rf"\g<1>{chart.key}-", _COORDINATE.sub(r"\1", tag[0]))
        for name, colour in COLOURS.items():
            text = text.replace(colour, f"var(--{name})")
        return text

    text = _NOISE.sub("", _BEFORE_SVG.sub("", document, count=1))
    text = _TAG.sub(in_the_page, _SIZE.sub("", text, count=1))
    label = escape(f"{chart.title}. {chart.caption}", quote=True)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()


def write(view: HasCharts, folder: Path) -> list[Path]:
    """Write every chart of the view as a PNG file into `folder` and return the paths.

    Raises `HarnessError` if the folder cannot be made or written.
    """
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for chart in view.charts:
            path = folder / f"{chart.key}.png"
            with _drawn(chart.plot) as figure:
                figure.suptitle(chart.title, x=0.01, ha="left", fontweight="bold")
                figure.savefig(path, format="png", dpi=_PNG_DPI, facecolor="white")
            paths.append(path)
    except OSError as error:
        raise HarnessError(
            f"The figures cannot be written: {error.strerror}",
            where=str(folder),
            remedy="Choose a writable folder with --figures",
        ) from error
    return paths


@contextlib.contextmanager
def _drawn(plot: data.Plot) -> Iterator["Figure"]:
    import matplotlib as mpl

    from reports.charts.style import RC

    with mpl.rc_context({**RC, "svg.hashsalt": "chart"}), warnings.catch_warnings():
        # A name in a script that the font lacks shows as a box in PNG only; SVG leaves text to the reader's fonts.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font", category=UserWarning)
        yield _draw(plot)


def _draw(plot: data.Plot) -> "Figure":
    from reports.charts import bars, capacity, growth, intervals, lines, overtime

    drawers: dict[type, Callable[[Any], Figure]] = {
        data.PercentilePlot: lines.draw_percentiles,
        data.DistributionPlot: lines.draw_distribution,
        data.LoadPlot: lines.draw_load,
        data.HeatMap: overtime.draw_heat,
        data.RatePlot: overtime.draw_rates,
        data.InFlightPlot: overtime.draw_in_flight,
        data.OverTimePlot: overtime.draw_over_time,
        data.GrowthPlot: growth.draw_growth,
        data.BarPlot: bars.draw_bars,
        data.SplitPlot: bars.draw_split,
        data.IntervalPlot: intervals.draw_intervals,
        data.CapacityPlot: capacity.draw_capacity,
    }
    return drawers[type(plot)](plot)
