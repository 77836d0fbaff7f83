"""What the report of runs says in the terminal and on its page."""

import html
import io

from harness.reading.judging import judge
from harness.reading.summary import load
from reports.run import html as page
from reports.run import text, view


def told(*paths, width=400):
    """Return the view of stored runs and the terminal's words of it."""
    built = view.build([judge(load(path)) for path in paths])
    stream = io.StringIO()
    text.render(built, stream, width=width)
    return built, stream.getvalue()


def markup_of(built):
    """Return the page of a view, with its texts as a reader sees them."""
    return html.unescape(page.render(built))
