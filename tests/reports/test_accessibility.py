"""Every kind of report keeps the rules of WCAG 2.1, levels A and AA, that a program can check."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.support.report_pages import KINDS

EVERY_RULE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "rules": {"color-contrast": {"enabled": False}},
    "resultTypes": ["violations"],
}
# What scheme and width change, beside contrast.
OF_LOOK = {
    "runOnly": {"type": "rule", "values": ["link-in-text-block", "scrollable-region-focusable"]},
    "resultTypes": ["violations"],
}
CONTRAST = {"runOnly": {"type": "rule", "values": ["color-contrast"]}, "resultTypes": ["violations"]}
# axe needs 4 ms for the contrast of one text, and a report has up to 2,500 of 200 looks. Texts look alike if they, all that
# they stand in and what stands before them are the same elements with the same classes, colours and sizes.
MARK_ONE_OF_EACH_LOOK = """() => {
  const known = new Map();
  const look = (one) => {
    const style = getComputedStyle(one);
    return [one.localName, one.getAttribute('class'), style.color, style.fill, style.opacity, style.backgroundColor,
      style.backgroundImage, style.fontSize, style.fontWeight, style.position].join('|');
  };
  const way = (one) => {
    if (!known.has(one)) known.set(one, (one.parentElement ? way(one.parentElement) : '') + '>' + look(one));
    return known.get(one);
  };
  const seen = new Set();
  for (const one of document.querySelectorAll('body, body *')) {
    one.removeAttribute('data-look');
    if (![...one.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) continue;
    const before = one.previousElementSibling;
    const key = way(one) + (before ? '+' + look(before) : '');
    if (!seen.has(key)) one.setAttribute('data-look', '');
    seen.add(key);
  }
}"""


def violations(tab, options=EVERY_RULE):
    tab.evaluate(MARK_ONE_OF_EACH_LOOK)
    axe = Axe()
    results = [axe.run(tab, options=options), axe.run(tab, {"include": [["[data-look]"]]}, CONTRAST)]
    return [
        f"{found['id']}: {node['target']} {node['html'][:160]} {node['failureSummary']}"
        for result in results
        for found in result.response["violations"]
        for node in found["nodes"]
    ]


@pytest.mark.browser
@pytest.mark.parametrize("kind", KINDS)
def test_no_report_has_a_violation_of_level_a_or_aa(open_page, rendered, kind):
    tab = open_page(rendered(KINDS[kind]))
    for profile in tab.get_by_role("tab").all():
        profile.click()
    tab.evaluate(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; });"
        "document.querySelectorAll('.flame').forEach((one) => { one.hidden = false; });"
    )
    assert violations(tab) == []
    for width, scheme in ((1280, "dark"), (390, "dark"), (390, "light")):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(color_scheme=scheme)
        assert violations(tab, OF_LOOK) == [], (scheme, width)


@pytest.mark.browser
def test_a_page_that_breaks_a_rule_is_found_out(open_page):
    page = (
        '<!doctype html><html lang="en"><title>x</title><p style="color:#ccc;background:#fff">grey</p><input>'
    )
    assert {line.split(":")[0] for line in violations(open_page(page))} == {"color-contrast", "label"}


@pytest.mark.browser
@pytest.mark.parametrize(
    "row",
    [
        '<p id="bad" style="color:#ccc">grey</p>',
        '<p><b>black</b> <b id="bad" class="grey">grey</b></p>',
        '<p style="background:#222"><b id="bad">black on dark</b></p>',
        '<p style="position:relative"><i class="bar"></i><b id="bad" class="above">black on a bar</b></p>',
    ],
)
def test_one_text_among_many_that_breaks_the_rule_of_contrast_is_found_out(open_page, row):
    """None is taken for one of those that look alike."""
    page = (
        '<!doctype html><html lang="en"><title>x</title><style>.grey{color:#ccc} .above{position:relative}'
        ".bar{position:absolute;inset:0;background:#111}</style><body>"
        + "<p><b>black</b> <b>black</b></p>" * 20
        + row
        + '<p style="position:relative"><b class="above">black</b></p>' * 20
    )
    (found,) = violations(open_page(page))
    assert found.startswith("color-contrast: ['#bad']")
