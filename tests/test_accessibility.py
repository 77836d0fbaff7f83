"""Every kind of report keeps the rules of WCAG 2.1, levels A and AA, that a program can check."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from report_pages import KINDS

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
# What scheme and width change.
OF_LOOK = {
    "runOnly": {
        "type": "rule",
        "values": ["color-contrast", "link-in-text-block", "scrollable-region-focusable"],
    },
    "resultTypes": ["violations"],
}


def violations(tab, options=RULES):
    return [
        f"{found['id']}: {node['target']} {node['html'][:160]} {node['failureSummary']}"
        for found in Axe().run(tab, options=options).response["violations"]
        for node in found["nodes"]
    ]


@pytest.fixture(scope="module", params=KINDS)
def text(request, tmp_path_factory):
    """The page of one kind, made once for its two schemes and two widths."""
    return KINDS[request.param](tmp_path_factory.mktemp("page"))


@pytest.mark.browser
def test_no_report_has_a_violation_of_level_a_or_aa(open_page, text):
    tab = open_page(text)
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
