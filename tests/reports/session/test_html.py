"""The page of a judged session: whole without scripts, network or colour, inert, and readable at any width."""

import functools
import re

import pytest

from harness.errors import ExitCode
from harness.judge.verdict import Comparison, Kind, Site, Verdict
from harness.session.receipt import FunctionChange, SubjectFacts, Suspects
from reports.session.html import render_html
from reports.session.model import Links
from reports.session.view import build
from reports.shared.card import CardFacts, Rate
from tests.support import judgement_builder as built
from tests.support.page_reader import parsed

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">$x^2$ 'q' & \u202e"
CARD = CardFacts(
    measured_at="2026-02-27", machine="Example CPU", configuration="12 + 16 blocks",
    rates=[Rate(effect="+3 % time", by="the gate", k=97, n=100, low=0.915, high=0.994)],
)  # fmt: skip


def many():
    """Return 60 benchmarks, wall and CPU, one in ten regressed."""
    wall = [
        built.paired(f"test_core.py::bench_{n}", Verdict.REGRESSED if n % 10 == 0 else Verdict.OK, 0.05 if n % 10 == 0 else n / 9999)
        for n in range(60)
    ]  # fmt: skip
    cpu = [built.paired(one.benchmark, metric="cpu", counts=False) for one in wall]
    return built.judgement(*wall, *cpu, verdict=Verdict.REGRESSED, code=ExitCode.LIMIT_BROKEN)


def hostile():
    function = FunctionChange(function=HOSTILE, base=1.0, candidate=2.0, unit=HOSTILE)
    return built.judgement(
        Comparison(HOSTILE, HOSTILE, Kind.EXACT, Verdict.REGRESSED, unit=HOSTILE, base=1.0, candidate=2.0, note=HOSTILE,
                   changes=(0.1,), sites=(Site(HOSTILE, 1.0, 2.0),), accepted=None),
        verdict=Verdict.REGRESSED,
        reasons=(HOSTILE,),
        suspects=(Suspects(benchmark=HOSTILE, metric=HOSTILE, functions=[function], note=HOSTILE),),
        controls=built.controls(reasons=(HOSTILE,)),
    )  # fmt: skip


JUDGEMENTS = {
    "mixed": built.regressed_session(),
    "many": many(),
    "hostile": hostile(),
    "empty": built.judgement(verdict=Verdict.INVALID, code=ExitCode.INVALID),
}


@functools.cache
def page(name):
    receipt = built.receipt()
    if name == "hostile":
        receipt = built.receipt(
            command=HOSTILE, environment={HOSTILE: HOSTILE}, trouble=[HOSTILE], started_at=HOSTILE, suites=[HOSTILE],
            base=SubjectFacts(spec=HOSTILE, label=HOSTILE), candidate=SubjectFacts(spec=HOSTILE, label=HOSTILE),
        )  # fmt: skip
    return render_html(build(JUDGEMENTS[name], receipt, Links(), card=CARD if name == "mixed" else None))


def test_every_text_of_the_view_stands_in_the_page():
    view = build(JUDGEMENTS["mixed"], built.receipt(), Links(), card=CARD)
    seen = " ".join(" ".join(parsed(page("mixed")).text).split())
    for words in (
        view.sentence,
        view.next_command.command,
        view.card.sentence,
        *view.trust,
        view.suspects_note,
    ):
        assert words in seen
    for line in view.lines:
        assert all(
            words in seen for words in (line.benchmark, line.metric, line.change, line.interval, line.values)
        )
        assert all(words in seen for words in line.details)
    for table in (view.facts, view.environment, view.card.table, *view.suspects, view.lines[0].sites):
        assert all(cell.text in seen for row in table.rows for cell in row.cells)


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_the_page_is_one_file_that_refers_to_nothing_else(name):
    text = page(name)
    for tag, attributes in parsed(text).elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img"}
        assert all((attributes.get(key) or "#").startswith("#") for key in ("src", "href", "data", "action"))
        assert not [key for key in attributes if key.startswith("on")]
    assert not re.search(r"@import|url\(", text)


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_no_two_elements_share_an_id(name):
    ids = [attributes["id"] for _, attributes in parsed(page(name)).elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_link_of_a_row_leads_to_its_details():
    elements = parsed(page("many")).elements
    targets = {attributes["id"] for tag, attributes in elements if tag == "details" and "id" in attributes}
    links = [
        attributes["href"][1:]
        for tag, attributes in elements
        if attributes.get("href", "").startswith("#comp")
    ]
    assert len(links) == 120
    assert set(links) == targets


def test_sixty_benchmarks_fit_well_below_a_megabyte_with_only_the_urgent_opened():
    text = page("many")
    assert len(text.encode()) < 700_000
    details = [attributes for tag, attributes in parsed(text).elements if tag == "details"]
    assert len([one for one in details if "open" in one]) == 6


def test_a_dot_stands_for_every_block_hollow_for_the_screened_and_filled_for_the_confirmed():
    text = page("mixed")
    (plot,) = re.findall(
        r'<svg class="dots" role="img" height="\d+" aria-label="[^"]*bench_merge">.*?</svg>', text, re.DOTALL
    )
    groups = dict(re.findall(r'<g class="(hollow|filled)">(.*?)</g>', plot, re.DOTALL))
    assert {name: dots.count("<circle") for name, dots in groups.items()} == {"hollow": 12, "filled": 16}


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", JUDGEMENTS)
def test_no_page_is_wider_than_its_window(open_page, name, width):
    tab = open_page(page(name), width)
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    assert tab.title() != "owned"


@pytest.mark.browser
def test_without_scripts_verdict_table_and_dots_are_visible(open_page):
    tab = open_page(page("mixed"), java_script_enabled=False)
    for what in (".sentence", ".group.regressed table", ".bar-plot", ".dots"):
        assert tab.locator(what).first.is_visible()
    assert not tab.locator("#theme").is_visible()


@pytest.mark.browser
def test_a_row_leads_to_its_blocks_by_the_keyboard(open_page):
    tab = open_page(page("mixed"))
    link = tab.locator(".group.improved a")
    link.focus()
    tab.keyboard.press("Enter")
    tab.wait_for_function(f"document.querySelector('{link.get_attribute('href')}').open")


@pytest.mark.browser
def test_dots_and_bands_follow_the_page_into_dark_mode(open_page):
    tab = open_page(page("mixed"), color_scheme="light")
    colour = "getComputedStyle(document.querySelector('.dots .filled circle')).fill"
    light = tab.evaluate(colour)
    tab.locator("#theme").click()
    assert tab.evaluate(colour) != light


@pytest.mark.browser
def test_nothing_is_cut_off_on_paper(open_page):
    tab = open_page(page("mixed"), 720)
    tab.emulate_media(media="print")
    cut = "[...document.querySelectorAll('.comparisons')].filter((one) => one.scrollWidth > one.parentElement.clientWidth)"
    assert tab.evaluate(f"{cut}.length") == 0
