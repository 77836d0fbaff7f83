"""Where a change of the mean response went: rows that add up to it, each with a way to the graph."""

import re

import pytest

from harness.reading import summary
from harness.reading.judging import judge
from reports.run import html, view
from tests.support.run_builder import make_run

OPERATION = "call"
BEFORE = "# unit: samples.\noperation:call;main (m.py);parse (m.py) 60\noperation:call;main (m.py);send (net.py) 40\n"
AFTER = "# unit: samples.\noperation:call;main (m.py);parse (m.py) 20\noperation:call;main (m.py);send (net.py) 80\n"
HOSTILE = '"><script>window.hacked=1</script>'


@pytest.fixture
def built(tmp_path):
    def build(*specs):
        return view.build(
            [judge(summary.load(make_run(tmp_path, operations={OPERATION: 1.0}, **spec))) for spec in specs]
        )

    return build


def side(text, **more):
    return {"folded": {"cpu/cpu.folded": text}, **more}


def slower():
    return side(BEFORE, service_ms=1.0), side(AFTER, variant="optimised", service_ms=2.0)


def parts(made):
    """The rows that are shares of no other row."""
    return {row.label: row for row in made.rows if not row.of}


def functions(made, part):
    return {row.label: row.change_ns for row in made.rows if row.of == part}


def metric(made, name):
    return next(one for one in made if one.metric == name)


def test_the_parts_add_up_to_the_change_and_the_last_is_unexplained(built):
    for made in built(*slower()).attributions:
        if made.rows:
            rows = list(parts(made).values())
            assert sum(row.change_ns for row in rows) == pytest.approx(made.change_ns, rel=1e-6)
            assert rows[-1].label == made.rows[-1].label == "unexplained"
            assert set(parts(made)) >= {"executing", "event loop blocked", "I/O wait", "lag", "queue"}
            for row in rows:
                shares = functions(made, row.label)
                assert sum(shares.values()) == pytest.approx(row.change_ns if shares else 0, rel=1e-6)
    mean = metric(built(*slower()).attributions, "mean response")
    assert mean.change_ns > 1e5
    assert abs(parts(mean)["unexplained"].change_ns) < 10


def test_run_time_goes_to_functions_by_their_samples(built):
    made = metric(built(*slower()).attributions, "mean response")
    found, whole = functions(made, "executing"), parts(made)
    run_ns = whole["executing"].change_ns
    waits_ns = whole["event loop blocked"].change_ns + whole["I/O wait"].change_ns
    assert run_ns / waits_ns == pytest.approx(0.4 / 0.6, rel=0.01)
    # Run time about doubles, from 60:40 to 20:80: 2 * 0.8 - 0.4 for one, 2 * 0.2 - 0.6 for the other.
    assert found["send"] / run_ns == pytest.approx(1.2, rel=0.1)
    assert found["parse"] / run_ns == pytest.approx(-0.2, rel=0.5)


def test_many_functions_are_summed_below_the_largest(built):
    text = "# unit: samples.\n" + "".join(f"operation:call;f{n} (m.py) {n + 1}\n" for n in range(40))
    runs = side(text, service_ms=1.0), side(text, variant="optimised", service_ms=2.0)
    found = functions(metric(built(*runs).attributions, "mean response"), "executing")
    assert list(found)[-1] == "36 other functions"
    assert len(found) == 5


def test_without_a_profile_run_time_stays_whole_and_says_why(built):
    made = metric(built({}, {"variant": "optimised", "service_ms": 2.0}).attributions, "mean response")
    assert functions(made, "executing") == {}
    assert "no CPU profile" in made.note


def test_a_tail_does_not_divide_run_time_among_functions_that_a_profile_of_all_calls_has(built):
    made = metric(built(*slower()).attributions, "p95")
    assert functions(made, "executing") == {}
    assert "does not know which calls are slow" in made.note


@pytest.mark.parametrize(
    "other",
    [
        {"harness_lag_ms": 8.0, "variant": "optimised"},
        {"split": False, "variant": "optimised"},
        {"duration_s": 0.02, "variant": "optimised"},
    ],
    ids=["an invalid run", "a run without the split", "a handful of calls"],
)
def test_nothing_is_divided_that_cannot_be(built, other):
    assert built({}, other).attributions == ()


def test_one_run_has_no_change(built):
    assert built({}).attributions == ()


def test_each_function_links_to_its_graph_and_hostile_names_are_text(built):
    text = f"# unit: samples.\noperation:call;{HOSTILE} (m.py) 50\n"
    page = html.render(built(side(text, service_ms=1.0), side(text, variant="optimised", service_ms=2.0)))
    link, *_ = re.findall(r'href="(#flame=[^"]*)"', page)
    assert link.startswith("#flame=cpu-optimised&amp;op=operation%3Acall&amp;q=%22%3E%3Cscript%3E")
    assert 'data-key="cpu-optimised"' in page
    assert HOSTILE not in page
