"""The view of a judged session: what it says first, what it never hides, what it does with odd numbers."""

import math

import msgspec
import pytest

from harness.errors import ExitCode
from harness.judge.verdict import Comparison, Kind, Verdict
from harness.session.receipt import MeasuredRoot, SubjectFacts
from reports.session.dots import Changes, dot_plot
from reports.session.model import Links
from reports.session.view import build
from reports.shared.card import CardFacts, Rate
from reports.shared.changes import change_text, interval_text
from reports.shared.model import Status
from tests.support import judgement_builder as built


def shown(judgement, **more):
    return build(judgement, more.pop("receipt", None) or built.receipt(), Links(), **more)


@pytest.mark.parametrize(
    ("change", "unit", "text"),
    [
        (0.041, "ns", "+4.1 %"),
        (-0.0826, "ns", "−8.3 %"),
        (0.0031, "ns", "+0.31 %"),
        (0.0, "ns", "0.00 %"),
        (1.5, "ns", "+150 %"),
        (0.004, "share", "+0.40 points"),
        (math.inf, "ns", "+∞ %"),
        (math.nan, "ns", "unknown %"),
        (None, "ns", ""),
    ],
)
def test_a_change_is_said_with_its_sign_and_no_more_digits_than_help(change, unit, text):
    assert change_text(change, unit) == text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.032, 0.05, "3.2 to 5.0 %"),
        (-0.004, 0.006, "−0.40 to +0.60 %"),
        (-0.05, -0.03, "−5.0 to −3.0 %"),
        (0.02, math.inf, "2.0 to ∞ %"),
        (None, 0.02, "at most +2.0 %"),
        (0.02, None, "at least +2.0 %"),
        (None, None, ""),
    ],
)
def test_an_interval_shows_signs_where_they_could_be_mistaken(low, high, text):
    assert interval_text(low, high) == text


def test_the_sentence_counts_benchmarks_names_the_largest_change_and_what_it_rests_on():
    view = shown(
        built.judgement(
            built.paired("a", Verdict.REGRESSED, 0.03),
            built.paired("b", Verdict.REGRESSED, 0.041, low=0.032, high=0.05),
            built.paired("c"),
            verdict=Verdict.REGRESSED,
            code=ExitCode.LIMIT_BROKEN,
        )
    )
    assert view.sentence == (
        "2 of 3 benchmarks regressed; the largest: b wall +4.1 % (3.2 to 5.0 %), confirmed on 16 fresh blocks."
    )
    assert view.status is Status.BAD


def test_a_count_that_came_from_nothing_is_larger_than_any_percentage():
    view = shown(
        built.judgement(
            built.paired("a", Verdict.REGRESSED, 9.0),
            built.exact("GET /x", Verdict.REGRESSED, 0.0, 2.0),
            verdict=Verdict.REGRESSED,
        )
    )
    assert "the largest: GET /x calls.dynamodb from 0 to 2 per request, counted" in view.sentence
    assert [line.benchmark for line in view.groups[0].lines] == ["GET /x", "a"]


@pytest.mark.parametrize(
    ("judgement", "sentence", "status"),
    [
        (built.judgement(built.paired("a"), built.paired("b")), "None of 2 benchmarks regressed.", Status.GOOD),
        (
            built.judgement(built.paired("a", Verdict.IMPROVED, -0.08), verdict=Verdict.IMPROVED),
            "1 of 1 benchmark improved and none regressed: a wall −8.0 % (−8.6 to −7.4 %), confirmed on 16 fresh blocks.",
            Status.GOOD,
        ),
        (
            built.judgement(
                built.paired("a", Verdict.INCONCLUSIVE, blocks_needed=64), built.paired("b"), verdict=Verdict.INCONCLUSIVE
            ),
            "1 of 2 benchmarks is inconclusive and none regressed; 64 blocks would decide it.",
            Status.CAUTION,
        ),
        (
            built.judgement(
                built.paired("a", Verdict.INCONCLUSIVE),
                verdict=Verdict.INCONCLUSIVE,
                controls=built.controls(null_clean=False, reasons=("the A/A check failed",)),
            ),
            "1 of 1 benchmark is inconclusive and none regressed: the A/A check failed.",
            Status.CAUTION,
        ),
        (
            built.judgement(verdict=Verdict.INVALID, code=ExitCode.INVALID, reasons=("There is no block",)),
            "No verdict: there is no block.",
            Status.BAD,
        ),
        (
            built.judgement(built.paired("a"), code=ExitCode.INTERRUPTED),
            "Interrupted before its end: the benchmark did not regress.",
            Status.CAUTION,
        ),
        (
            built.judgement(built.paired("a", Verdict.REGRESSED, 0.05, accepted="on purpose"), built.paired("b")),
            "None of 2 benchmarks regressed; 1 accepted.",
            Status.GOOD,
        ),
    ],
)  # fmt: skip
def test_the_sentence_and_its_colour_follow_the_judge(judgement, sentence, status):
    view = shown(judgement)
    assert (view.sentence, view.status) == (sentence, status)


def test_what_asks_for_action_is_read_first():
    words = [group.word for group in shown(built.regressed_session()).groups]
    assert words == ["regressed", "inconclusive", "accepted", "improved", "ok", "new"]


def test_many_lines_without_a_change_are_folded_and_others_never():
    many = [built.paired(f"ok {number}") for number in range(30)]
    bad = [built.paired(f"bad {number}", Verdict.REGRESSED, 0.05) for number in range(30)]
    opened = {group.word: group.is_open for group in shown(built.judgement(*many, *bad)).groups}
    assert opened == {"regressed": True, "ok": False}


def test_an_accepted_regression_stands_apart_with_its_reason():
    (line,) = shown(
        built.judgement(built.paired("a", Verdict.REGRESSED, 0.1, accepted="the price of audit"))
    ).lines
    assert (line.verdict, line.word) == (Verdict.REGRESSED, "accepted")
    assert line.points[0] == "Accepted: the price of audit"


def test_an_improvement_with_an_acceptance_is_still_an_improvement():
    (line,) = shown(built.judgement(built.paired("a", Verdict.IMPROVED, -0.1, accepted="stale"))).lines
    assert line.word == "improved"


def test_an_exact_metric_shows_its_values_and_call_sites_and_no_time():
    judgement = built.regressed_session()
    (line,) = [line for line in shown(judgement).lines if line.sites]
    assert line.values == "2 → 3 per request"
    assert [(row.label, row.cells[2].text) for row in line.sites.rows] == [
        ("assets/reads.py:get_many", "+1"),
    ]
    assert line.sites.notes == ("1 function did not change.",)


@pytest.mark.parametrize(
    ("metric", "unit", "values", "text"),
    [
        ("peak_bytes", "B", (2048.0, 4096.0), "2 KiB → 4 KiB"),
        ("calls.redis", "per request", (2.0, 2.5), "2 → 2.5 per request"),
        ("throughput", "1/s", (200.0, 180.0), "200/s → 180/s"),
        ("errors", "share", (0.0, 0.01), "0 % → 1 %"),
        ("wall", "ns", (1.2e6, None), "1.2 ms → –"),
    ],
)
def test_values_are_printed_in_their_unit(metric, unit, values, text):
    base, candidate = values
    comparison = built.paired("a", metric=metric, unit=unit, base=base, candidate=candidate)
    assert shown(built.judgement(comparison)).lines[0].values == text


def test_a_count_that_moved_by_little_is_seen_to_have_moved():
    moved = built.exact("a", Verdict.REGRESSED, 1534.0, 1534.5)
    assert shown(built.judgement(moved)).lines[0].values == "1,534 → 1,534.5 per request"


def test_several_metrics_of_one_benchmark_are_counted_as_metrics():
    some = [built.exact("a", Verdict.REGRESSED, 1.0, float(n), metric=f"calls.{n}") for n in (2, 3)]
    sentence = shown(built.judgement(*some, verdict=Verdict.REGRESSED)).sentence
    assert (
        sentence
        == "1 of 1 benchmark regressed in 2 metrics; the largest: a calls.3 from 1 to 3 per request, counted."
    )


def test_revisions_are_short_in_the_title_and_whole_among_the_facts():
    revision = "5e25940f64a60796ac12c93d3c03f505057bb285"
    receipt = built.receipt(base=SubjectFacts(spec="git:main", label=revision, revision=revision))
    view = shown(built.judgement(), receipt=receipt)
    assert view.title == "working tree against 5e25940f64a6"
    assert revision in repr(view.facts)


def test_what_the_session_left_out_is_said_beside_the_verdict():
    receipt = built.receipt(notes=["bench_x runs on no side"], trouble=["a slot died"])
    view = shown(built.judgement(reasons=("a slot died",)), receipt=receipt)
    assert view.points == ("a slot died", "bench_x runs on no side")


def test_of_many_reasons_the_first_are_shown_and_the_rest_counted():
    points = shown(built.judgement(reasons=tuple(f"block {n} is damaged" for n in range(30)))).points
    assert len(points) == 8
    assert points[0] == "block 0 is damaged"
    assert points[-1] == "23 more stand in the receipt and the JSON document"


def test_what_never_decides_stands_apart_and_is_counted_nowhere():
    mean = built.paired("a", Verdict.INCONCLUSIVE, metric="wall_mean", counts=False, watched=True)
    start = built.paired("import", metric="cold_start", watched=True)
    view = shown(built.judgement(built.paired("a"), mean, start))
    assert [(group.word, group.is_open) for group in view.groups] == [("ok", True), ("watched", False)]
    assert view.sentence == "The benchmark did not regress."
    assert (len(view.told), view.untold) == (1, 2)


def test_a_watched_metric_that_changed_stands_among_those_that_decide():
    mean = built.paired("a", Verdict.REGRESSED, 0.3, metric="wall_mean", watched=True)
    faster = built.paired("b", Verdict.IMPROVED, -0.3, metric="first_call", watched=True)
    view = shown(built.judgement(built.paired("a"), mean, faster, verdict=Verdict.REGRESSED))
    assert [group.word for group in view.groups] == ["regressed", "improved", "ok"]
    assert view.sentence.startswith("1 of 2 benchmarks regressed: a wall_mean +30.0 %")


def test_a_limit_is_said_as_a_limit():
    limit = Comparison(
        "GET /assets", "p99<25ms", Kind.LIMIT, Verdict.REGRESSED, unit="share", candidate=0.02, low=0.015, high=0.026,
        margin=0.01, note="too slow: 20 of 1,000 calls",
    )  # fmt: skip
    view = shown(built.judgement(limit, verdict=Verdict.REGRESSED))
    assert view.sentence == (
        "1 of 1 benchmark regressed: GET /assets p99<25ms against its limit: too slow: 20 of 1,000 calls."
    )
    assert (view.lines[0].values, view.lines[0].interval) == ("2 %", "1.5 % to 2.6 %")


def test_screened_blocks_are_hollow_and_those_behind_the_verdict_filled():
    line = shown(built.regressed_session()).groups[0].lines[1]
    assert [(lane.label, lane.filled, len(lane.dots)) for lane in line.plot.lanes] == [
        ("screened", False, 12),
        ("confirmed", True, 16),
    ]


def test_dots_stand_where_their_changes_are():
    plot = dot_plot(Changes([0.0, 0.01, 0.02], low=0.0, high=0.02, median=0.01, margin=0.02), "p")
    left, middle, right = plot.lanes[0].dots
    assert left.place == plot.zero
    assert middle.place == plot.median == pytest.approx((left.place + right.place) / 2, abs=0.01)
    assert plot.interval == pytest.approx((left.place, right.place - left.place), abs=0.02)
    assert plot.band[0] + plot.band[1] == pytest.approx(right.place, abs=0.02)
    assert [text for _, text in plot.ticks] == ["−2.0 %", "−1.0 %", "0.00 %", "+1.0 %", "+2.0 %"]


def test_dots_that_would_cover_one_another_stand_on_levels():
    (lane,) = dot_plot(Changes([0.01, 0.01, 0.01], margin=0.02), "p").lanes
    assert [dot.level for dot in lane.dots] == [0, 1, 2]


def test_a_dot_far_out_stands_at_the_edge_and_says_so():
    (lane,) = dot_plot(
        Changes([*[0.001] * 9, 5.0], low=0.0, high=0.002, median=0.001, margin=0.02), "p"
    ).lanes
    assert [dot.beyond for dot in lane.dots] == [""] * 9 + ["high"]
    assert lane.dots[-1].text == "+500 %"


@pytest.mark.parametrize("odd", [[], [math.nan], [math.inf, -math.inf], [1e300]])
def test_no_plot_is_made_of_what_is_no_change(odd):
    assert dot_plot(Changes(odd), "p") is None


@pytest.mark.parametrize("odd", [0.0, 5e-324, -1e-12, 1e8])
def test_every_change_of_a_program_has_a_place_on_the_axis(odd):
    plot = dot_plot(Changes([odd] * 3, low=odd, high=odd, median=odd, margin=0.0), "p")
    assert all(0 <= dot.place <= 100 for lane in plot.lanes for dot in lane.dots)
    assert 0 < len(plot.ticks) < 15


def test_intervals_of_a_table_share_one_scale():
    view = shown(built.judgement(built.paired("a", change=0.0), built.paired("b", Verdict.REGRESSED, 0.05)))
    zeros = {line.bar.zero for line in view.lines}
    assert len(zeros) == 1
    assert view.lines[0].bar.median > view.lines[1].bar.median


def test_secrets_in_command_and_specs_are_hidden():
    receipt = built.receipt(
        command="harness compare --token opensesame",
        base=SubjectFacts(spec="git:https://user:hunter2@example.org/x", label="base"),
    )
    view = shown(built.judgement(built.paired("a")), receipt=receipt)
    words = repr((view.facts, view.environment))
    assert "hunter2" not in words
    assert "opensesame" not in words
    assert "hunter2" not in view.next_command.command


def test_the_card_says_k_of_n_with_bounds_and_when_it_is_of_another_machine():
    card = CardFacts(
        measured_at="2026-02-27T10:00:00", machine="Example CPU", configuration="12 + 16 blocks", applies=False,
        rates=[Rate(effect="nothing", by="the gate", k=0, n=299, low=0.0, high=0.01, goal="at most 1 %")],
    )  # fmt: skip
    view = shown(built.judgement(), card=card)
    (row,) = view.card.table.rows
    assert (row.group, row.label, [cell.text for cell in row.cells]) == (
        "nothing",
        "the gate",
        ["0", "299", "0.0 %", "0.0 to 1.0 %", "at most 1 %"],
    )
    assert "another machine" in view.card.notes[0]


@pytest.mark.parametrize(
    ("judgement", "command"),
    [
        (built.judgement(built.paired("a")), "harness compare git:main path:. --suite load"),
        (built.regressed_session(), "harness judge receipt.json"),
        (built.judgement(verdict=Verdict.INVALID, code=ExitCode.INVALID), "harness doctor"),
        (
            built.judgement(built.paired("a", Verdict.INCONCLUSIVE), verdict=Verdict.INCONCLUSIVE),
            "harness compare git:main path:. --budget 10m",
        ),
    ],
)
def test_the_next_command_answers_what_is_open(judgement, command):
    assert shown(judgement).next_command.command == command


def test_a_count_that_grew_from_nothing_says_so_and_has_no_interval():
    counted = [built.exact("a", base=0.0, candidate=1307.0), built.exact("b", base=2.0, candidate=3.0)]
    view = shown(built.judgement(*counted))
    said = {line.benchmark: (line.change, line.interval) for line in view.lines}
    assert said == {"a": ("from 0", "exact"), "b": ("+50.0 %", "exact")}


def test_what_was_measured_is_listed_with_its_places_and_what_is_compiled():
    roots = [
        MeasuredRoot(
            name="pkg", base="pkg", candidate="pkg", base_compiled=["pkg._a"], candidate_compiled=["pkg._a"]
        ),
        MeasuredRoot(name="ns.new", candidate="src/ns/new"),
    ]
    view = shown(built.judgement(), receipt=msgspec.structs.replace(built.receipt(), measured=roots))
    rows = {row.label: tuple(cell.text for cell in row.cells) for row in view.facts.rows}
    compiled = "pkg, Python and 1 compiled module (pkg._a)"
    assert rows["measured: pkg"] == (compiled, compiled)
    assert rows["measured: ns.new"] == ("–", "src/ns/new, Python")
    assert view.subtitle.endswith("measured: pkg (1 compiled module), ns.new (candidate only)")
    assert "measured" not in shown(built.judgement()).subtitle


@pytest.mark.parametrize(
    ("suites", "code", "command"),
    [
        (["exact"], ExitCode.OK, "harness compare git:main path:. --suite load"),
        (["exact"], ExitCode.INTERRUPTED, "harness compare git:main path:. --suite exact"),
        (["exact", "load"], ExitCode.OK, "harness compare git:main path:. --suite load --budget 10m"),
    ],
)
def test_the_next_command_measures_the_suites_that_are_open(suites, code, command):
    judgement = built.judgement(
        built.paired("a", Verdict.INCONCLUSIVE), verdict=Verdict.INCONCLUSIVE, code=code
    )
    receipt = msgspec.structs.replace(built.receipt(), suites=suites)
    assert shown(judgement, receipt=receipt).next_command.command == command


def test_the_next_command_names_the_gates_working_tree_as_a_user_must_type_it():
    gated = built.receipt(candidate=SubjectFacts(spec=".", label="the working tree"))
    assert (
        "harness compare git:main path:. --suite load"
        in shown(built.judgement(), receipt=gated).next_command.command
    )


def test_the_next_command_names_the_server_of_the_session():
    policy = {**built.receipt().policy, "target": "serve:shop"}
    receipt = msgspec.structs.replace(built.receipt(), suites=["load"], policy=policy)
    command = shown(built.judgement(), receipt=receipt).next_command.command
    assert command == "harness compare git:main path:. --serve shop --suite load"
    environment = {**receipt.environment, "locustfile": "locustfile.py"}
    receipt = msgspec.structs.replace(receipt, environment=environment)
    command = shown(built.judgement(), receipt=receipt).next_command.command
    assert command.endswith("--serve shop --locustfile locustfile.py --suite load")
