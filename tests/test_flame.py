"""Flame graphs: nothing lost on the way to the page, hostile names inert, and a graph that answers keys."""

import itertools
import json
import random
import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles.folded import Profile
from reports.flame import assets, flame_view, render
from reports.flame_tree import OTHER, build_tree

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
    rows = {row.function: row.values for row in two().by_total}
    assert rows["Core.call"] == ((0, 9.5), (0, 9))
    assert rows["fast"] == ((0, 0), (2, 2))
    assert rows["dumps"] == ((6, 6), (0, 0))


def test_the_table_ranks_by_own_weight_and_names_lines():
    view = one()
    assert [row.function for row in view.by_self] == ["dumps", "Store.get", "Store.put", "Worker.work"]
    assert next(row for row in view.by_total if row.function == "Core.call").line == 12


def test_the_page_without_scripts_holds_the_numbers():
    html = re.sub(r"<script.*?</script>", "", render(two()), flags=re.DOTALL)
    for text in (
        "dumps",
        "json/__init__.py",
        "shop/core.py:12",
        "−6",
        "+2",
        "950 samples" if 0 else "per request",
    ):
        assert text in html


def test_two_sides_say_that_differences_are_not_tested():
    assert "not tested for significance" in render(two())
    assert "not tested" not in render(one())


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
    assert said(page).startswith("dumps baseline: 6 samples (60.0 %), own 6 samples")
    page.keyboard.press("ArrowRight")
    assert said(page).startswith("Store.get")
    page.keyboard.press("ArrowUp")
    assert said(page).startswith("Core.call baseline: 8 samples (80.0 %), own 0 samples")
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
    assert page.locator(".flame-found").inner_text() == "2 frames, 35.0 % of the whole"
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
    assert re.search(r"baseline\s+8 samples\s+80.0 %", tip)
    assert re.search(r"candidate\s+6 samples\s+66.7 %", tip)
    assert re.search(r"change, not tested\s+−2 samples\s+−25 %", tip)
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
    assert said(page).startswith("POST /assets baseline: 7.5 samples (100.0 %)")
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
    assert [row.values for row in shown.by_self] == [((4096.0, 4096.0),)]
    html = render(shown)
    assert "per request" not in html
    assert "4 KiB in all" in html
