"""Flame graphs: nothing lost on the way to the page, and hostile names inert."""

import itertools
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.profiles.difference.frames import ProfiledRun
from harness.profiles.stacks.folded import Profile, merge
from reports.flame.html import assets, render
from reports.flame.tree import OTHER, build_tree, weights_in
from reports.flame.view import flame_view
from tests.support.flame import BASE, HOSTILE, data_of, one, two

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
    assert "beyond sampling error" in html
    assert ">changed<" not in html
    assert "sampling explains" not in render(one())


def test_a_table_of_two_sides_holds_interval_samples_and_finding():
    row = re.search(r'<tr class="flame-less">.*?dumps.*?</tr>', render(two()), re.DOTALL)[0]
    cells = re.findall(r"<td>(.*?)</td>", row)
    assert cells[:3] == ["6", "0", "−6"]
    assert re.fullmatch(r"−6.\d+ to −5.\d+", cells[3])
    assert cells[4:] == ["gone", "600", "beyond sampling error"]


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
