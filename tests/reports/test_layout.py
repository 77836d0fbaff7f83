"""In every kind of report no text covers another or is cut, and at the width of a screen nothing hides beside its table."""

import pytest

from tests.support.hard_pages import HARD
from tests.support.report_pages import KINDS

# Run in the page. Boxes of text are compared with the drawing that holds them and with one another: letters may touch, since a
# box is as high as the tallest letter.
FAULTS = """() => {
  document.querySelectorAll('details').forEach((one) => { one.open = true; });
  document.querySelectorAll('.flame').forEach((one) => { one.hidden = false; });
  const found = [];
  const words = (one) => one.textContent.trim().replace(/\\s+/g, ' ').slice(0, 60);
  for (const svg of document.querySelectorAll('svg')) {
    const frame = svg.getBoundingClientRect();
    const hides = getComputedStyle(svg).overflow !== 'visible';
    const texts = [...svg.querySelectorAll('text')].filter((one) => words(one)).map((one) => [one, one.getBoundingClientRect()])
      .filter(([, box]) => box.width);
    texts.forEach(([one, box], place) => {
      if (hides && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1))
        found.push(`cut: ${words(one)}`);
      if (one.closest('[clip-path]')) found.push(`may be cut: ${words(one)}`);
      for (const [other, its] of texts.slice(place + 1)) {
        const wide = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const high = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        if (wide > 1 && high > 0.25 * Math.min(box.height, its.height)) found.push(`covered: ${words(one)} | ${words(other)}`);
      }
    });
  }
  for (const one of document.querySelectorAll('td, th, dt, dd, li, p, h1, h2, h3, summary, figcaption, caption'))
    if (one.clientWidth && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === 'visible')
      found.push(`beyond its cell: ${words(one)}`);
  return found;
}"""
# Where it is narrow a table may be moved inside its own frame; the page never is, nor anything on a screen.
WIDE = """(everything) => [document.documentElement, ...(everything ? document.querySelectorAll('body *') : [])]
  .filter((one) => one.clientWidth && one.scrollWidth > one.clientWidth + 1 && !one.closest('svg')
    && getComputedStyle(one).display !== 'inline' && (one === document.documentElement || getComputedStyle(one).overflowX !== 'visible'))
  .map((one) => `${one.tagName}.${one.className} ${one.textContent.trim().slice(0, 60)}`)"""


@pytest.mark.browser
@pytest.mark.parametrize("kind", [*KINDS, *HARD])
def test_no_text_of_a_report_is_covered_cut_or_hidden(open_page, rendered, kind):
    tab = open_page(rendered((KINDS | HARD)[kind]))
    assert tab.evaluate(FAULTS) == []
    assert tab.evaluate(WIDE, True) == []
    tab.set_viewport_size({"width": 390, "height": 900})
    assert tab.evaluate(FAULTS) == []
    assert tab.evaluate(WIDE, False) == []


@pytest.mark.browser
def test_what_is_covered_cut_or_hidden_is_found_out(open_page):
    """As it was: a change that ran into its interval, and columns of profiles beyond the edge."""
    tab = open_page(
        '<!doctype html><html lang="en"><title>x</title><svg width="100" height="40" style="overflow:hidden">'
        '<text x="10" y="20">one</text><text x="12" y="20">two</text><text x="90" y="35">three</text></svg>'
        '<table style="table-layout:fixed;width:60px;white-space:nowrap"><tr><td>0.00 points</td><td>0.00 to 0.00 points</td></table>'
        '<div style="overflow:auto;width:50px"><table><tr><td>a_name_that_is_far_too_long</table></div>'
    )
    faults = {fault.split(":")[0] for fault in tab.evaluate(FAULTS)}
    assert faults == {"cut", "covered", "beyond its cell"}
    assert [one.split(".")[0] for one in tab.evaluate(WIDE, True)] == ["DIV"]
