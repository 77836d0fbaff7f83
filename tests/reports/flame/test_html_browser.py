"""Flame graphs in a real browser: drawn in its colours, and they answer keys, pointers and addresses."""

import json
import re

import pytest

from harness.profiles.stacks.folded import Profile, parse_folded
from harness.units import format_bytes, format_ns, significant
from reports.flame.html import assets, render
from reports.flame.view import flame_view
from tests.support.flame import BASE, CANDIDATE, HOSTILE, one, two

COLOURS = """<style>
:root{--fg:#1b1f24;--bg:#fff;--muted:#5c6570;--accent:#2f6fde;--panel:#f2f4f7;--rule:#d5dae0}
@media (prefers-color-scheme:dark){:root{--fg:#e6e9ed;--bg:#14171b;--panel:#1e2329}}
</style>"""


def page_of(views):
    return f'<!doctype html>{COLOURS}{assets()}<div class="flame-set">{"".join(map(render, views))}</div>'


@pytest.fixture
def open_graph(open_page):
    """Open a page with nothing but the graphs of some views."""

    def show(*views, width=1000, **options):
        return open_page(f"<!doctype html>{COLOURS}{assets()}{''.join(map(render, views))}", width, **options)

    return show


@pytest.fixture
def open_narrow(open_page):
    """Open a narrow page where each view is a tab, at the state that its address holds."""
    return lambda *views, state="": open_page(page_of(views), 390, state=state)


def said(page):
    return page.locator(".flame-said").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_graph_is_drawn_in_the_colours_of_the_scheme(open_graph, scheme):
    page = open_graph(one(), two(), color_scheme=scheme)
    assert page.locator("canvas").count() == 2
    pixels = page.evaluate(
        "() => [...document.querySelectorAll('canvas')].map(c => new Set(new Uint32Array("
        "c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer)).size)"
    )
    assert min(pixels) > 5
    corner = page.evaluate(
        "() => document.querySelector('canvas').getContext('2d').getImageData(2, 2, 1, 1).data[0]"
    )
    assert (corner > 128) is (scheme == "light")


@pytest.mark.browser
def test_keys_move_zoom_and_come_back(open_graph):
    page = open_graph(one())
    page.locator("canvas").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    assert said(page).startswith("dumps baseline: 6 samples (60 %), own 6 samples")
    page.keyboard.press("ArrowRight")
    assert said(page).startswith("Store.get")
    page.keyboard.press("ArrowUp")
    assert said(page).startswith("Core.call baseline: 8 samples (80 %), own 0 samples")
    assert "shop/core.py:12" in said(page)
    page.keyboard.press("Enter")
    assert page.get_by_role("button", name="Show all").is_enabled()
    page.keyboard.press("Backspace")
    assert said(page).startswith("GET /assets")
    page.keyboard.press("Escape")
    assert said(page).startswith("All stacks")
    assert page.get_by_role("button", name="Show all").is_disabled()


@pytest.mark.browser
def test_search_by_keyboard_counts_what_it_found_and_walks_through_it(open_graph):
    page = open_graph(one())
    page.locator("canvas").focus()
    page.keyboard.press("/")
    page.keyboard.type("STORE")
    assert page.locator(".flame-found").inner_text() == "2 frames, 35 % of the whole"
    page.keyboard.press("Enter")
    assert said(page).startswith("Store.get")
    page.keyboard.press("Enter")
    assert said(page).startswith("Store.put")
    page.keyboard.press("Escape")
    assert page.locator(".flame-found").inner_text() == ""
    page.keyboard.press("/")
    page.keyboard.type("nowhere")
    assert page.locator(".flame-found").inner_text() == "nothing found"


@pytest.mark.browser
def test_a_click_zooms_and_the_tooltip_holds_both_values(open_graph):
    page = open_graph(two())
    canvas = page.locator("canvas").bounding_box()
    page.mouse.move(canvas["x"] + 30, canvas["y"] + 2 * 21 + 8)
    tip = page.locator(".flame-tip").inner_text()
    assert "Core.call" in tip
    assert "GET /assets" in tip
    assert re.search(r"baseline\s+8 samples\s+80 %", tip)
    assert re.search(r"candidate\s+6 samples\s+66.7 %", tip)
    assert re.search(r"change\s+−2 samples\s+−25 %", tip)
    assert re.search(
        r"Total: beyond sampling error.* \(95 % interval −2\.88 samples to −1\.12 samples\)", tip
    )
    page.mouse.click(canvas["x"] + 30, canvas["y"] + 2 * 21 + 8)
    assert said(page).startswith("Core.call")
    page.get_by_role("button", name="Show all").click()
    assert said(page).startswith("All stacks")


@pytest.mark.browser
def test_the_operation_picker_shows_one_operation_per_request_of_its_own(open_graph):
    requests = {"GET /assets": 80, "POST /assets": 20}
    page = open_graph(flame_view("CPU", "samples", [("baseline", BASE, requests)]))
    assert page.locator("select option").all_inner_texts() == [
        "All operations",
        "GET /assets",
        "POST /assets",
        "(driver)",
    ]
    page.get_by_label("Operation").select_option(label="POST /assets")
    assert said(page).startswith("POST /assets baseline: 7.5 samples (100 %)")
    page.get_by_label("Operation").select_option(label="All operations")
    assert said(page).startswith("All stacks baseline: 10 samples")


@pytest.mark.browser
def test_a_frame_that_only_one_side_has_keeps_its_place(open_graph):
    page = open_graph(two())
    page.locator("canvas").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    assert "dumps" in said(page)
    assert "candidate: 0 samples" in said(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert said(page).startswith("fast")
    assert "(new)" in said(page)


@pytest.mark.browser
def test_more_is_orange_less_is_blue_and_what_cannot_be_told_is_grey(open_graph):
    before = {("operation:a", "up"): 500, ("operation:a", "down"): 900, ("operation:a", "same"): 700}
    after = {("operation:a", "up"): 900, ("operation:a", "down"): 500, ("operation:a", "same"): 705}
    page = open_graph(
        flame_view(
            "CPU", "samples", [("a", Profile("samples", before), 9), ("b", Profile("samples", after), 9)]
        )
    )
    canvas = page.locator("canvas")

    def pixel(place):
        return page.evaluate(
            f"() => [...document.querySelector('canvas').getContext('2d').getImageData({place}, 58, 1, 1).data]"
        )

    width = canvas.bounding_box()["width"]
    kinds = {}
    for share in (0.33, 0.68, 0.97):
        red, _, blue, _ = pixel(round(width * share) - 25)
        kinds[share] = "orange" if red > blue + 15 else "blue" if blue > red + 15 else "grey"
    assert sorted(kinds.values()) == ["blue", "grey", "orange"]
    page.get_by_label("Colour").select_option("packages")
    page.get_by_label("Width").select_option("share")
    for side in ("before", "after"):
        page.get_by_label("Sides").select_option(side)
        assert said(page).startswith("All stacks")


def allocations():
    return flame_view("Allocations", "allocations", [("a", BASE, 10), ("b", CANDIDATE, 10)])


@pytest.mark.browser
def test_profiles_are_tabs_that_keys_walk_through(open_narrow):
    page = open_narrow(two(), allocations())
    assert page.get_by_role("tab").all_inner_texts() == ["CPU", "Allocations"]
    assert [page.locator("figure").nth(place).is_visible() for place in (0, 1)] == [True, False]
    page.get_by_role("tab", name="CPU").focus()
    page.keyboard.press("ArrowRight")
    assert [page.locator("figure").nth(place).is_visible() for place in (0, 1)] == [False, True]
    assert page.evaluate("document.activeElement.textContent") == "Allocations"
    assert page.evaluate("location.hash").startswith("#flame=allocations")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.browser
def test_a_graph_is_laid_out_when_its_tab_is_first_shown_and_for_paper(open_narrow):
    page = open_narrow(two(), allocations())
    assert page.locator("canvas").count() == 1
    page.get_by_role("tab", name="Allocations").click()
    assert page.locator("canvas").count() == 2
    page.get_by_role("tab", name="CPU").click()
    assert page.locator("canvas").count() == 2
    other = open_narrow(two(), allocations())
    other.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert min(other.evaluate("[...document.querySelectorAll('canvas')].map((one) => one.width)")) > 300
    assert other.locator("canvas").count() == 2
    other.evaluate("dispatchEvent(new Event('afterprint'))")
    assert [other.locator("figure").nth(place).is_visible() for place in (0, 1)] == [True, False]


@pytest.mark.browser
def test_the_address_brings_another_reader_to_the_same_sight(open_narrow):
    page = open_narrow(two(), allocations())
    page.get_by_role("tab", name="Allocations").click()
    graph = page.locator("figure").nth(1)
    graph.get_by_label("Operation").select_option(label="GET /assets")
    graph.get_by_label("Colour").select_option("own")
    graph.locator("canvas").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    seen = graph.locator(".flame-said").inner_text()
    assert seen.startswith("dumps")
    other = open_narrow(two(), allocations(), state=page.evaluate("location.hash"))
    graph = other.locator("figure").nth(1)
    assert graph.locator(".flame-said").inner_text() == seen
    assert graph.get_by_label("Colour").input_value() == "own"
    assert graph.get_by_role("button", name="Show all").is_enabled()


@pytest.mark.browser
@pytest.mark.parametrize(
    "state", ["#flame=nothing&op=%", "#flame=cpu-candidate&view=x&z=zz&q=%3Cimg%3E", "#flame", "#x"]
)
def test_an_address_that_means_nothing_harms_nothing(open_narrow, state):
    page = open_narrow(two(), state=state)
    assert page.locator("canvas").count() == 1
    assert page.locator("img").count() == 0


@pytest.mark.browser
def test_what_is_shown_can_be_saved_for_other_tools(open_narrow):
    page = open_narrow(two())
    texts = {}
    for name in ("folded, baseline", "folded, candidate", "speedscope"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        texts[name] = download.value.path().read_text("utf-8")
    assert parse_folded(texts["folded, baseline"]).stacks == BASE.stacks
    assert parse_folded(texts["folded, candidate"]).stacks == CANDIDATE.stacks
    saved = json.loads(texts["speedscope"])
    names = [frame["name"] for frame in saved["shared"]["frames"]]
    before, after = saved["profiles"]
    assert (before["endValue"], after["endValue"]) == (1000, 450)
    stacks = {
        tuple(names[n] for n in stack): w for stack, w in zip(after["samples"], after["weights"], strict=True)
    }
    assert stacks == CANDIDATE.stacks


@pytest.mark.browser
def test_numbers_of_a_graph_read_as_those_of_its_table(open_graph):
    values = [0, 7.2e-05, 0.958, 0.99951, 12.34, 99.96, 999.6, 1023, 1234.6, 999_700, 1_234_567, 2.5e9]
    page = open_graph(one())
    ask = "([values, unit]) => values.map((value) => unit ? flameWords.amount(value, unit) : flameWords.digits(value))"
    assert page.evaluate(ask, [values, ""]) == [significant(value) for value in values]
    assert page.evaluate(ask, [values, "ns"]) == [format_ns(value) for value in values]
    assert page.evaluate(ask, [values, "bytes"]) == [format_bytes(value) for value in values]


@pytest.mark.browser
def test_hostile_names_do_not_execute(open_graph):
    profile = Profile("samples", {(f"operation:{name}", f"{name} (p/{name}.py)"): 5 for name in HOSTILE})
    page = open_graph(
        *(flame_view(name, "samples", [(name, profile, 1), (name, profile, 1)]) for name in HOSTILE)
    )
    canvas = page.locator("canvas").first
    canvas.hover()
    canvas.focus()
    page.keyboard.press("ArrowDown")
    page.locator("select").first.select_option(index=1)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0


@pytest.mark.browser
def test_a_graph_in_a_hidden_part_is_drawn_when_it_is_shown(open_graph):
    page = open_graph(one())
    page.evaluate("document.querySelector('figure').style.display = 'none'")
    page.set_viewport_size({"width": 390, "height": 700})
    page.evaluate("document.querySelector('figure').style.display = ''")
    page.wait_for_function(
        "Math.abs(document.querySelector('canvas').width - document.querySelector('.flame-scroll').clientWidth) < 2"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


SPREAD = Profile(
    "samples",
    {
        ("operation:a", "serve (m.py)", "parse (m.py)", "join (n.py)"): 30,
        ("operation:a", "serve (m.py)", "load (m.py)", "parse (m.py)", "cut (n.py)"): 20,
        ("operation:b", "serve (m.py)", "parse (m.py)", "parse (m.py)", "cut (n.py)"): 40,
        ("operation:b", "rest (m.py)"): 10,
    },
)


@pytest.mark.browser
def test_a_function_of_the_table_opens_with_all_its_callers_above_and_all_that_it_calls_below(open_graph):
    page = open_graph(one(SPREAD))
    page.get_by_text("by total").click()
    page.get_by_role("button", name="parse", exact=True).last.click()
    assert "parse: who calls it stands above" in page.locator(".flame-title").inner_text()
    # Its call of itself is counted once, and its callers add up to it.
    assert said(page).startswith("parse baseline: 0.9 samples (100 %), own 0 samples")
    page.keyboard.press("ArrowUp")
    assert said(page).startswith("serve baseline: 0.7 samples (77.8 %)")
    page.keyboard.press("ArrowRight")
    assert said(page).startswith("load baseline: 0.2 samples (22.2 %)")
    page.keyboard.press("ArrowUp")
    assert said(page).startswith("serve baseline: 0.2 samples (22.2 %)")
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    assert said(page).startswith("parse baseline: 0.9")
    page.keyboard.press("ArrowDown")
    seen = [said(page).split(" baseline")[0]]
    for _ in range(2):
        page.keyboard.press("ArrowRight")
        seen.append(said(page).split(" baseline")[0])
    assert sorted(seen) == ["cut", "join", "parse"]
    page.keyboard.press("Escape")
    assert page.locator(".flame-title").inner_text() == ""
    assert said(page).startswith("All stacks")


@pytest.mark.browser
def test_the_address_holds_the_function_whose_callers_are_seen(open_narrow):
    page = open_narrow(one(SPREAD))
    canvas = page.locator("canvas")
    canvas.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "s"):
        page.keyboard.press(key)
    before = said(page)
    state = page.evaluate("location.hash")
    assert before.startswith("parse baseline: 0.9 samples (100 %)")
    other = open_narrow(one(SPREAD), state=state)
    assert "parse: who calls it" in other.locator(".flame-title").inner_text()
    assert said(other) == before


@pytest.mark.browser
def test_frames_that_only_pass_a_call_on_are_folded_away_until_asked_for(open_graph):
    started = ("(outside)", "Thread._bootstrap (threading.py)", "Thread.run (threading.py)", "work (m.py)")
    own_time = ("(outside)", "Hub.run (gevent/hub.py)")
    page = open_graph(one(Profile("samples", {started: 90, own_time: 10})))

    def below(page):
        page.locator("canvas").focus()
        page.keyboard.press("Escape")
        seen = []
        for _ in range(5):
            page.keyboard.press("ArrowDown")
            seen.append(said(page).split(" baseline")[0])
        return seen

    assert below(page) == ["All stacks", "(outside)", "work", "work", "work"]
    assert "0.9 samples (90 %), own 0.9 samples" in said(page)
    page.get_by_label("Framework frames (2)").check()
    assert below(page) == ["All stacks", "(outside)", "Thread._bootstrap", "Thread.run", "work"]
    assert "0.9 samples (90 %), own 0.9 samples" in said(page)


@pytest.mark.browser
def test_no_row_of_the_graph_is_cut_and_what_is_below_is_said(open_graph):
    deep = Profile("samples", {tuple(f"f{i} (m.py)" for i in range(60)): 5})
    page = open_graph(one(deep))
    height = page.evaluate("document.querySelector('.flame-scroll').clientHeight")
    assert height % 21 == 0
    assert f"{61 - height // 21} more rows below" in page.locator(".flame-deeper").inner_text()
    page.evaluate("document.querySelector('.flame-scroll').scrollTop = 10000")
    page.wait_for_function("document.querySelector('.flame-deeper').textContent === ''")
