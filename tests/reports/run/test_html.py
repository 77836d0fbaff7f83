"""The HTML report: complete without scripts or network, inert to hostile names, sound in a real browser."""

import functools
import re

import pytest

from harness.model import Outcome
from harness.reading import summary
from harness.reading.judging import judge
from reports.run import html, view
from reports.shared.page import gauge_place
from tests.support.page_reader import parsed
from tests.support.run_builder import make_run

HOSTILE = "</script><img src=x onerror=\"document.title='owned'\">$x^2$ 'q' & \u202e"
PROFILE = "# unit: samples.\noperation:call;f (m.py);g (m.py) 30\noperation:call;f (m.py) 5\n"
STAGES = (("before", 0.5, 1.0, 1.0), ("spike", 0.5, 3.0, 3.0))
GOOD = (
    {"folded": {"cpu/cpu.folded": PROFILE}, "stages": STAGES},
    {"folded": {"cpu/cpu.folded": PROFILE}, "stages": STAGES, "variant": "optimised", "service_ms": 0.5},
)
INVALID = ({"harness_lag_ms": 8.0},)
FAILING = ({"fail_share": 0.3, "dropped_share": 0.2, "duration_s": 3.0, "operations": {"call": 1.0}},)
DEAD = ({"outcome": Outcome.NEVER_STARTED, "facts": False, "counters": False},)
EVIL = (
    {
        "variant": HOSTILE,
        "target": HOSTILE,
        "scenario": HOSTILE,
        "operations": {HOSTILE: 0.5, "b": 0.5},
        "stages": ((HOSTILE, 0.5, 1.0, 1.0), ("two", 0.5, 2.0, 2.0)),
        "environment": {HOSTILE: HOSTILE},
        "command": HOSTILE,
        "folded": {"cpu/cpu.folded": f"operation:{HOSTILE.replace(';', '')};f (m.py) 3\n"},
        "backends": {HOSTILE: {"ceiling_per_s": 5.0, "achieved_per_s": 5.0, "what": HOSTILE}},
        "profiles": {"memory": {"reason": HOSTILE}},
    },
)
SETS = {"good": GOOD, "invalid": INVALID, "failing": FAILING, "dead": DEAD, "hostile": EVIL}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    @functools.cache
    def made(name):
        folder = tmp_path_factory.mktemp(name)
        shown = view.build([judge(summary.load(make_run(folder, **spec))) for spec in SETS[name]])
        return shown, html.render(shown)

    return made


def test_every_text_of_the_tables_stands_in_the_page_without_a_script(page):
    shown, text = page("good")
    visible = " ".join(" ".join(parsed(text).text).split())
    assert shown.verdict.sentence in visible
    assert shown.next_command.command in visible
    for table in (
        shown.comparison,
        shown.changes,
        shown.split,
        shown.operations_table,
        shown.stages,
        *(head.table for head in shown.heads),
    ):
        for row in table.rows:
            assert row.label in visible
            assert all(cell.text in visible for cell in row.cells)


def test_the_sections_come_in_the_order_of_the_answer_first(page):
    _, text = page("good")
    ids = [attributes["id"] for tag, attributes in parsed(text).elements if tag == "section"]
    assert ids == ["verdict", "validity", "changes", "operations", "heads", "profiles", "environment"]


@pytest.mark.parametrize("name", SETS)
def test_the_page_refers_to_nothing_outside_itself(page, name):
    _, text = page(name)
    for tag, attributes in parsed(text).elements:
        for key in ("src", "href", "xlink:href", "data", "action", "poster"):
            value = attributes.get(key) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), (tag, value[:80])
        assert tag not in {"link", "iframe", "object", "embed", "base"}
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


@pytest.mark.parametrize("name", SETS)
def test_no_two_elements_share_an_id(page, name):
    _, text = page(name)
    ids = [attributes["id"] for _, attributes in parsed(text).elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_hostile_names_make_no_element_and_no_handler(page):
    _, text = page("hostile")
    elements = parsed(text).elements
    assert not [tag for tag, _ in elements if tag == "img"]
    assert not [key for _, attributes in elements for key in attributes if key.startswith("on")]
    assert HOSTILE.replace("\u202e", "\\u202e") in " ".join(parsed(text).text)


def test_every_script_of_the_page_has_its_digest_in_the_policy(page):
    import base64
    import hashlib

    _, text = page("good")
    (policy,) = [
        attributes["content"]
        for tag, attributes in parsed(text).elements
        if tag == "meta" and "content" in attributes and "default-src" in attributes["content"]
    ]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert scripts
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_an_invalid_run_gets_no_latency_chart(page):
    _, text = page("invalid")
    charts = [attributes["id"] for tag, attributes in parsed(text).elements if tag == "figure"]
    assert charts == ["chart-rate", "chart-in-flight", "chart-calls"]
    assert "Latency charts leave out baseline" in text


def test_a_gauge_is_centred_on_one_and_ends_at_sixteen_times():
    assert gauge_place(0.25) == (25.0, 25.0)
    assert gauge_place(4.0) == (50.0, 25.0)
    assert gauge_place(1e9) == (50.0, 50.0)
    assert gauge_place(1e-9) == (0.0, 50.0)


@pytest.fixture
def opened(open_page, page):
    """Open the report of a set of runs."""
    return lambda name, width=1280, **context: open_page(page(name)[1], width, **context)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", SETS)
def test_no_page_is_wider_than_its_window(opened, name, width):
    tab = opened(name, width)
    tab.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert tab.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.browser
def test_without_scripts_verdict_tables_and_charts_are_visible(opened):
    tab = opened("good", java_script_enabled=False)
    assert tab.locator(".sentence").is_visible()
    assert tab.locator("#table-comparison").is_visible()
    assert tab.locator("#chart-percentiles svg").is_visible()
    assert not tab.locator("#theme").is_visible()


@pytest.mark.browser
def test_hostile_names_run_nothing(opened):
    tab = opened("hostile")
    tab.wait_for_timeout(200)
    assert tab.title() != "owned"
    assert tab.evaluate("document.images.length") == 0


@pytest.mark.browser
def test_charts_follow_the_page_into_dark_mode(opened):
    tab = opened("good", color_scheme="light")
    colour = "getComputedStyle(document.querySelector('#chart-percentiles svg text')).fill"
    light = tab.evaluate(colour)
    tab.locator("#theme").click()
    assert tab.evaluate(colour) != light


@pytest.mark.browser
def test_the_keyboard_reaches_the_sections_and_opens_details(opened):
    tab = opened("good")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.className") == "skip"
    summary_line = tab.locator("#environment summary").first
    summary_line.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#table-environment").is_visible()


@pytest.mark.browser
def test_a_pointer_over_a_chart_reads_its_values(opened):
    tab = opened("good")
    picture = tab.locator("#chart-percentiles svg")
    picture.scroll_into_view_if_needed()
    box = picture.bounding_box()
    tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    read = tab.locator(".readout-tip").inner_text().split("\n")
    assert re.fullmatch(r"p9\d(\.\d+)?", read[0])
    assert [line.split()[0] for line in read[1:]] == ["baseline", "optimised"]
    assert read[1].endswith("ms")
    tab.mouse.move(2, 2)
    assert not tab.locator(".readout-tip").is_visible()
