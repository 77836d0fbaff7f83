"""Flame graphs: nothing lost on the way to the page, hostile names inert, and a graph that answers keys."""

import itertools
import json
import random
import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles.difference.frames import ProfiledRun
from harness.profiles.stacks.folded import Profile, merge, parse_folded
from harness.units import format_bytes, format_ns, significant
from reports.flame import assets, flame_view, render
from reports.flame_tree import OTHER, build_tree, weights_in

BASE = Profile(
    "samples",
    {
        ("operation:GET /assets", "Core.call (shop/core.py)", "dumps (json/__init__.py)"): 600,
        ("operation:GET /assets", "Core.call (shop/core.py)", "Store.get (shop/store.py)"): 200,
        ("operation:POST /assets", "Core.call (shop/core.py)", "Store.put (shop/store.py)"): 150,
        ("(driver)", "Worker.work (harness/load/open_model.py)"): 50,
    },
    {"Core.call (shop/core.py)": 12},
)
CANDIDATE = Profile(
    "samples",
    {
        ("operation:GET /assets", "Core.call (shop/core.py)", "fast (shop/fast.py)"): 100,
        ("operation:GET /assets", "Core.call (shop/core.py)", "Store.get (shop/store.py)"): 200,
        ("operation:POST /assets", "Core.call (shop/core.py)", "Store.put (shop/store.py)"): 150,
    },
)
HOSTILE = [
    "</script><script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    "\u2028\u2029';window.hacked=1;//",
    "<!--<script>",
    '"><b>&lt;',
    "__proto__",
    "constructor",
]


def one(profile=BASE, requests=100):
    return flame_view("CPU", profile.unit, [("baseline", profile, requests)])


def two():
    return flame_view("CPU", "samples", [("baseline", BASE, 100), ("candidate", CANDIDATE, 50)])


def data_of(html):
    return json.loads(re.search(r'class="flame-data">(.*?)</script>', html, re.DOTALL)[1])


names = st.sampled_from(["operation:a", "f (m.py)", "g (m.py)", "h (p/q.py)"])
stacks = st.dictionaries(
    st.lists(names, min_size=1, max_size=6).map(tuple), st.integers(0, 10**6), max_size=12
)


@given(st.lists(stacks, min_size=1, max_size=2))
def test_the_roots_of_the_tree_add_up_to_the_total_of_each_side(sides):
    tree = build_tree([Profile("samples", side) for side in sides])
    for place, side in enumerate(sides):
        assert sum(node.weights[place] for node in tree.nodes if node.depth == 0) == sum(side.values())


@given(st.lists(stacks, min_size=1, max_size=2))
def test_no_child_outweighs_its_parent_and_none_is_an_orphan(sides):
    nodes = build_tree([Profile("samples", side) for side in sides]).nodes
    above = []
    for node in nodes:
        assert node.depth <= len(above)
        del above[node.depth :]
        above.append(node)
    for place in range(len(sides)):
        for depth, parent in enumerate(nodes):
            below = itertools.takewhile(lambda n, parent=parent: n.depth > parent.depth, nodes[depth + 1 :])
            children = [node.weights[place] for node in below if node.depth == parent.depth + 1]
            assert sum(children) <= parent.weights[place]


def test_small_frames_are_merged_and_keep_their_weight():
    profile = Profile("samples", {("root", "big"): 100_000, **{("root", f"small{i}"): 9 for i in range(50)}})
    nodes = build_tree([profile]).nodes
    assert [(node.name, node.weights) for node in nodes] == [
        ("root", (100_450,)),
        ("big", (100_000,)),
        (OTHER, (450,)),
    ]


def test_a_frame_that_matters_on_one_side_is_shown_with_both():
    before, after = Profile("ns", {("a",): 10**6, ("b",): 1}), Profile("ns", {("b",): 10**6})
    assert {node.name: node.weights for node in build_tree([before, after]).nodes} == {
        "a": (10**6, 0),
        "b": (1, 10**6),
    }


def test_a_hundred_thousand_stacks_make_a_small_page():
    rng = random.Random(3)
    pool = [f"Class{i}.method_{i} (package{i % 40}/module_{i % 300}.py)" for i in range(4000)]
    # Few callers and many leaves, as in real programs, so that much is above the limit.
    paths = [tuple(rng.choice(pool) for _ in range(25)) for _ in range(900)]
    heavy = {
        ("operation:a", *rng.choice(paths), rng.choice(pool)): rng.randrange(1, 50) for _ in range(100_000)
    }
    profile = Profile("samples", heavy)
    assert len(profile.stacks) > 98_000
    html = render(flame_view("CPU", "samples", [("a", profile, 1000), ("b", profile, 1000)]))
    assert len(html.encode()) < 500_000
    data = data_of(html)
    assert len(data["name"]) > 500
    # No stack ends on the way: what is not shown must stand in (other).
    below = [0] * 40
    for depth, weight in reversed(list(zip(data["depth"], data["weights"][0], strict=True))):
        assert below[depth + 1] in {0, weight}
        below[depth + 1] = 0
        below[depth] += weight


def test_names_without_end_make_a_small_page_too():
    profile = Profile("samples", {("operation:a", f"{i}{'é' * 50_000} (m.py)"): 5 for i in range(40)})
    assert len(render(one(profile)).encode()) < 500_000


def test_a_very_deep_stack_is_no_trouble():
    profile = Profile("samples", {tuple(f"f{i % 7} (m.py)" for i in range(3000)): 5})
    assert len(build_tree([profile]).nodes) == 3000


def test_weights_are_divided_by_requests_in_the_table():
    rows = {row.frame.partition(" ")[0]: (row.own, row.whole) for row in one().by_total}
    assert rows["Core.call"] == (0, 9.5)
    assert rows["dumps"] == (6, 6)
    changes = {row.frame.partition(" ")[0]: row for row in two().changes if row.operation == "GET /assets"}
    assert (changes["Core.call"].whole.before, changes["Core.call"].whole.after) == (8, 6)
    assert (changes["fast"].own.before, changes["fast"].own.after) == (0, 2)
    assert (changes["dumps"].own.before, changes["dumps"].own.after) == (6, 0)


def test_the_table_ranks_by_own_weight_and_names_lines():
    view = one()
    assert [row.frame.partition(" ")[0] for row in view.by_self] == [
        "dumps",
        "Store.get",
        "Store.put",
        "Worker.work",
    ]
    assert "shop/<wbr>core.py:12" in render(view)


def test_the_page_without_scripts_holds_the_numbers():
    html = re.sub(r"<script.*?</script>", "", render(two()), flags=re.DOTALL).replace("<wbr>", "")
    for text in (
        "dumps",
        "json/__init__.py",
        "shop/core.py:12",
        "−6",
        "+2",
        "per request",
    ):
        assert text in html


def test_two_sides_say_what_one_run_a_side_can_and_cannot_tell():
    html = render(two())
    assert "does not say that the code changed it" in html
    assert "more than sampling explains" in html
    assert ">changed<" not in html
    assert "sampling explains" not in render(one())


def test_a_table_of_two_sides_holds_interval_samples_and_finding():
    row = re.search(r'<tr class="flame-less">.*?dumps.*?</tr>', render(two()), re.DOTALL)[0]
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells[:3] == ["6", "0", "−6"]
    assert re.fullmatch(r"−6.\d+ to −5.\d+", cells[3])
    assert cells[4:] == ["gone", "600", "more than sampling explains"]


def test_a_rare_operation_does_not_lead_the_table():
    def profile(often, rare):
        return Profile("samples", {("operation:often", "f"): often, ("operation:rare", "g"): rare})

    requests = {"often": 1000, "rare": 1}
    view = flame_view(
        "CPU", "samples", [("a", profile(1000, 100), requests), ("b", profile(2000, 200), requests)]
    )
    assert view.changes[0].frame == "g"
    functions = re.findall(r"<code>(.)</code>", render(view))
    assert functions[0] == "f"


def test_nodes_that_stand_for_many_frames_are_never_told():
    few = {("operation:a", f"f{i}"): 1 for i in range(3000)}
    many = dict.fromkeys(few, 2)
    data = data_of(
        render(
            flame_view(
                "CPU", "samples", [("a", Profile("samples", few), 9), ("b", Profile("samples", many), 9)]
            )
        )
    )
    said = dict(zip((data["names"][n] for n in data["name"]), data["found"][0]["finding"], strict=True))
    assert {name: data["findings"][code] for name, code in said.items()} == {
        "operation:a": "beyond sampling",
        OTHER: "cannot tell",
    }


def test_samples_of_different_rates_are_compared_as_time():
    fast = Profile("samples", {stack: weight * 10 for stack, weight in BASE.stacks.items()})
    view = flame_view("CPU", "samples", [("a", BASE, 100), ("b", fast, 100)], ns_per_sample=(1e7, 1e6))
    assert {round(row.own.change, 3) for row in view.changes} == {0}
    assert "100 ms per request" in render(view)


def test_what_is_counted_says_that_it_was_not_sampled():
    one, two = (Profile("allocations", {("operation:a", "f (m.py)"): n}) for n in (40, 50))
    html = render(flame_view("Allocations", "allocations", [("a", one, 10), ("b", two, 10)]))
    assert "differs between these runs" in html
    assert "Counted, not sampled" in html


def test_an_empty_profile_says_so():
    assert "No stack was recorded" in render(one(Profile("bytes", {})))


def test_bytes_and_times_are_shown_in_units_for_people():
    html = render(one(Profile("bytes", {("operation:a", "f (m.py)"): 300 * 2**20})))
    assert "3 MiB" in html


@pytest.mark.parametrize("count", [0, 3])
def test_other_numbers_of_sides_are_refused(count):
    with pytest.raises(ValueError, match="one side or two"):
        flame_view("CPU", "samples", [("a", BASE, 1)] * count)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_text(name):
    profile = Profile("samples", {(f"operation:{name}", f"{name} ({name}/m.py)"): 5})
    html = render(flame_view(name, "samples", [(name, profile, 1)]))
    assert data_of(html)["names"] == [f"operation:{name}", f"{name} ({name}/m.py)"]
    assert html.count("<script") == 1
    assert "<img" not in html
    assert "\u2028" not in re.search(r'class="flame-data">(.*?)</script>', html, re.DOTALL)[1]


def test_the_script_fetches_nothing():
    assert not re.search(r"fetch\(|XMLHttpRequest|https?://|import\(|eval\(|innerHTML", assets())


# ---- In a real browser ---------------------------------------------------------------------------------------------

COLOURS = """<style>
:root{--fg:#1b1f24;--bg:#fff;--muted:#5c6570;--accent:#2f6fde;--panel:#f2f4f7;--rule:#d5dae0}
@media (prefers-color-scheme:dark){:root{--fg:#e6e9ed;--bg:#14171b;--panel:#1e2329}}
</style>"""


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no chromium: install Debian's package with `apt-get install chromium`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    pages, complaints = [], []

    def open_page(*views, **options):
        page = browser.new_page(viewport={"width": 1000, "height": 800}, **options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url))
        page.set_content(f"<!doctype html>{COLOURS}{assets()}{''.join(map(render, views))}")
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


def said(page):
    return page.locator(".flame-said").inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_graph_is_drawn_in_the_colours_of_the_scheme(open_page, scheme):
    page = open_page(one(), two(), color_scheme=scheme)
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
def test_keys_move_zoom_and_come_back(open_page):
    page = open_page(one())
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
def test_search_by_keyboard_counts_what_it_found_and_walks_through_it(open_page):
    page = open_page(one())
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
def test_a_click_zooms_and_the_tooltip_holds_both_values(open_page):
    page = open_page(two())
    canvas = page.locator("canvas").bounding_box()
    page.mouse.move(canvas["x"] + 30, canvas["y"] + 2 * 21 + 8)
    tip = page.locator(".flame-tip").inner_text()
    assert "Core.call" in tip
    assert "GET /assets" in tip
    assert re.search(r"baseline\s+8 samples\s+80 %", tip)
    assert re.search(r"candidate\s+6 samples\s+66.7 %", tip)
    assert re.search(r"change\s+−2 samples\s+−25 %", tip)
    assert re.search(
        r"Whole: more than sampling explains.* \(95 % interval −2\.88 samples to −1\.12 samples\)", tip
    )
    page.mouse.click(canvas["x"] + 30, canvas["y"] + 2 * 21 + 8)
    assert said(page).startswith("Core.call")
    page.get_by_role("button", name="Show all").click()
    assert said(page).startswith("All stacks")


@pytest.mark.browser
def test_the_operation_picker_shows_one_operation_per_request_of_its_own(open_page):
    requests = {"GET /assets": 80, "POST /assets": 20}
    page = open_page(flame_view("CPU", "samples", [("baseline", BASE, requests)]))
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
def test_a_frame_that_only_one_side_has_keeps_its_place(open_page):
    page = open_page(two())
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
def test_more_is_orange_less_is_blue_and_what_cannot_be_told_is_grey(open_page):
    before = {("operation:a", "up"): 500, ("operation:a", "down"): 900, ("operation:a", "same"): 700}
    after = {("operation:a", "up"): 900, ("operation:a", "down"): 500, ("operation:a", "same"): 705}
    page = open_page(
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


def page_file(tmp_path, *views):
    path = tmp_path / "page.html"
    path.write_text(
        f'<!doctype html>{COLOURS}{assets()}<div class="flame-set">{"".join(map(render, views))}</div>'
    )
    return path.as_uri()


@pytest.fixture
def open_file(browser, tmp_path):
    complaints = []
    pages = []

    def open_file(*views, state=""):
        page = browser.new_page(viewport={"width": 390, "height": 800}, accept_downloads=True)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(page_file(tmp_path, *views) + state)
        pages.append(page)
        return page

    yield open_file
    for page in pages:
        page.close()
    assert complaints == []


def allocations():
    return flame_view("Allocations", "allocations", [("a", BASE, 10), ("b", CANDIDATE, 10)])


@pytest.mark.browser
def test_profiles_are_tabs_that_keys_walk_through(open_file):
    page = open_file(two(), allocations())
    assert page.get_by_role("tab").all_inner_texts() == ["CPU", "Allocations"]
    assert [page.locator("figure").nth(place).is_visible() for place in (0, 1)] == [True, False]
    page.get_by_role("tab", name="CPU").focus()
    page.keyboard.press("ArrowRight")
    assert [page.locator("figure").nth(place).is_visible() for place in (0, 1)] == [False, True]
    assert page.evaluate("document.activeElement.textContent") == "Allocations"
    assert page.evaluate("location.hash").startswith("#flame=allocations")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.browser
def test_a_graph_is_laid_out_when_its_tab_is_first_shown_and_for_paper(open_file):
    page = open_file(two(), allocations())
    assert page.locator("canvas").count() == 1
    page.get_by_role("tab", name="Allocations").click()
    assert page.locator("canvas").count() == 2
    page.get_by_role("tab", name="CPU").click()
    assert page.locator("canvas").count() == 2
    other = open_file(two(), allocations())
    other.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert min(other.evaluate("[...document.querySelectorAll('canvas')].map((one) => one.width)")) > 300
    assert other.locator("canvas").count() == 2
    other.evaluate("dispatchEvent(new Event('afterprint'))")
    assert [other.locator("figure").nth(place).is_visible() for place in (0, 1)] == [True, False]


@pytest.mark.browser
def test_the_address_brings_another_reader_to_the_same_sight(open_file):
    page = open_file(two(), allocations())
    page.get_by_role("tab", name="Allocations").click()
    graph = page.locator("figure").nth(1)
    graph.get_by_label("Operation").select_option(label="GET /assets")
    graph.get_by_label("Colour").select_option("own")
    graph.locator("canvas").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    seen = graph.locator(".flame-said").inner_text()
    assert seen.startswith("dumps")
    other = open_file(two(), allocations(), state=page.evaluate("location.hash"))
    graph = other.locator("figure").nth(1)
    assert graph.locator(".flame-said").inner_text() == seen
    assert graph.get_by_label("Colour").input_value() == "own"
    assert graph.get_by_role("button", name="Show all").is_enabled()


@pytest.mark.browser
@pytest.mark.parametrize(
    "state", ["#flame=nothing&op=%", "#flame=cpu-candidate&view=x&z=zz&q=%3Cimg%3E", "#flame", "#x"]
)
def test_an_address_that_means_nothing_harms_nothing(open_file, state):
    page = open_file(two(), state=state)
    assert page.locator("canvas").count() == 1
    assert page.locator("img").count() == 0


@pytest.mark.browser
def test_what_is_shown_can_be_saved_for_other_tools(open_file):
    page = open_file(two())
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
def test_numbers_of_a_graph_read_as_those_of_its_table(open_page):
    values = [0, 7.2e-05, 0.958, 0.99951, 12.34, 99.96, 999.6, 1023, 1234.6, 999_700, 1_234_567, 2.5e9]
    page = open_page(one())
    ask = "([values, unit]) => values.map((value) => unit ? flameWords.amount(value, unit) : flameWords.digits(value))"
    assert page.evaluate(ask, [values, ""]) == [significant(value) for value in values]
    assert page.evaluate(ask, [values, "ns"]) == [format_ns(value) for value in values]
    assert page.evaluate(ask, [values, "bytes"]) == [format_bytes(value) for value in values]


@pytest.mark.browser
def test_hostile_names_do_not_execute(open_page):
    profile = Profile("samples", {(f"operation:{name}", f"{name} (p/{name}.py)"): 5 for name in HOSTILE})
    page = open_page(
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
def test_a_graph_in_a_hidden_part_is_drawn_when_it_is_shown(open_page):
    page = open_page(one())
    page.evaluate("document.querySelector('figure').style.display = 'none'")
    page.set_viewport_size({"width": 390, "height": 700})
    page.evaluate("document.querySelector('figure').style.display = ''")
    page.wait_for_function(
        "Math.abs(document.querySelector('canvas').width - document.querySelector('.flame-scroll').clientWidth) < 2"
    )
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_what_is_held_at_one_moment_is_not_divided_by_requests():
    profile = Profile("bytes", {("operation:call", "f (m.py)"): 4096.0})
    shown = flame_view("Peak", "bytes", [("one", profile, {"call": 4})], per_request=False)
    assert [(row.own, row.whole) for row in shown.by_self] == [(4096.0, 4096.0)]
    html = render(shown)
    assert "per request" not in html
    assert "4 KiB in all" in html


@given(st.lists(stacks, min_size=2, max_size=2))
def test_a_part_of_a_profile_has_its_weight_at_every_node_of_the_tree(sides):
    one, two = (Profile("bytes", side) for side in sides)
    tree = build_tree([merge([one, two])])
    parts = [weights_in(tree, part) for part in (one, two)]
    for node, *found in zip(tree.nodes, *parts, strict=True):
        assert sum(found) == pytest.approx(node.weights[0])


def rounds_of(weights, count):
    return [ProfiledRun(Profile("samples", dict(weights)), {"list": 100}) for _ in range(count)]


def of_rounds(count):
    """A graph of `slow`, which has three times the samples on the second side, in rounds that agree."""
    sides = [
        {("operation:list", "same (m.py)"): 200, ("operation:list", "slow (m.py)"): n} for n in (100, 300)
    ]
    rounds = [rounds_of(side, count) for side in sides]
    shown = [
        (label, merge(run.profile for run in runs), {"list": 100 * count})
        for label, runs in zip(("before", "after"), rounds, strict=True)
    ]
    return flame_view("CPU", "samples", shown, rounds=rounds)


def test_a_graph_of_five_rounds_a_side_says_what_changed_and_what_is_the_same():
    view = of_rounds(5)
    html = render(view)
    assert "5 interleaved runs a side" in html
    assert next((row.frame, str(row.own.finding)) for row in view.changes) == ("slow (m.py)", "changed")
    names = [node.name for node in view.tree.nodes]
    found = dict(zip(names, view.nodes[0].findings, strict=True))
    assert found["slow (m.py)"] == "changed"
    assert found["same (m.py)"] != "changed"


def test_a_graph_of_fewer_rounds_calls_nothing_changed_and_says_how_many_are_missing():
    view = of_rounds(3)
    assert "it takes 2 more" in render(view)
    assert "changed" not in {str(row.own.finding) for row in view.changes}


def test_a_place_too_small_to_be_told_is_what_its_function_is_where_it_moved_the_same_way():
    def side(of_hot):
        places = {("operation:a", f"at{i} (m.py)", "hot (m.py)"): of_hot for i in range(20)}
        return Profile("samples", {**places, ("operation:a", "calm (m.py)"): 2000})

    before, after = side(8), side(16)
    after.stacks["operation:a", "at0 (m.py)", "hot (m.py)"] = 4
    view = flame_view("CPU", "samples", [("before", before, 100), ("after", after, 100)])
    own = view.nodes[1]
    hot = [place for place, node in enumerate(view.tree.nodes) if node.name == "hot (m.py)"]
    told = {place: own.findings[place] for place in hot}
    assert list(told.values()).count("beyond sampling") == 19
    against = next(place for place in hot if view.tree.nodes[place].weights == (8, 4))
    assert told[against] == "cannot tell"
    assert own.of_function == {*hot} - {against}


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
def test_a_function_of_the_table_opens_with_all_its_callers_above_and_all_that_it_calls_below(open_page):
    page = open_page(one(SPREAD))
    page.get_by_text("by their whole weight").click()
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
def test_the_address_holds_the_function_whose_callers_are_seen(open_file):
    page = open_file(one(SPREAD))
    canvas = page.locator("canvas")
    canvas.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "s"):
        page.keyboard.press(key)
    before = said(page)
    state = page.evaluate("location.hash")
    assert before.startswith("parse baseline: 0.9 samples (100 %)")
    other = open_file(one(SPREAD), state=state)
    assert "parse: who calls it" in other.locator(".flame-title").inner_text()
    assert said(other) == before


@pytest.mark.browser
def test_frames_that_only_pass_a_call_on_are_folded_away_until_asked_for(open_page):
    started = ("(outside)", "Thread._bootstrap (threading.py)", "Thread.run (threading.py)", "work (m.py)")
    own_time = ("(outside)", "Hub.run (gevent/hub.py)")
    page = open_page(one(Profile("samples", {started: 90, own_time: 10})))

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
    page.get_by_label("Plumbing (2)").check()
    assert below(page) == ["All stacks", "(outside)", "Thread._bootstrap", "Thread.run", "work"]
    assert "0.9 samples (90 %), own 0.9 samples" in said(page)


@pytest.mark.browser
def test_no_row_of_the_graph_is_cut_and_what_is_below_is_said(open_page):
    deep = Profile("samples", {tuple(f"f{i} (m.py)" for i in range(60)): 5})
    page = open_page(one(deep))
    height = page.evaluate("document.querySelector('.flame-scroll').clientHeight")
    assert height % 21 == 0
    assert f"{61 - height // 21} more rows below" in page.locator(".flame-deeper").inner_text()
    page.evaluate("document.querySelector('.flame-scroll').scrollTop = 10000")
    page.wait_for_function("document.querySelector('.flame-deeper').textContent === ''")
