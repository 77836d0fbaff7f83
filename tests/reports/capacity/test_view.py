"""The report of a search: the interval first, and no time of an invalid probe."""

import pytest

from harness.capacity.document import Ended, LimitSeen, MetricFacts
from harness.capacity.seen import Sight
from reports.capacity.html import render_capacity_html
from reports.capacity.text import render_capacity_text
from reports.capacity.view import build_capacity
from reports.charts import figures
from reports.shared.model import Status
from tests.support.capacity_builder import counted, document, probe
from tests.support.page_reader import parsed

HOSTILE = "</script><img src=x onerror=alert(1)>$x$"
SETTLED = [
    probe(100, "held"), probe(200.5, "broke"), probe(141, "not settled"), probe(150, "invalid"), probe(200.5, "broke"),
    probe(100, "held"),
]  # fmt: skip


COUNTED = [counted(rate, round(100 * (rate / 100) ** 8)) for rate in (50, 80, 95, 105, 120, 150)]


@pytest.mark.parametrize(
    ("probes", "ended", "sentence", "status", "command"),
    [
        (
            COUNTED,
            Ended.SETTLED,
            "Capacity ",
            Status.GOOD,
            "harness run steady",
        ),
        (COUNTED[:4], Ended.BUDGET, "Capacity ", Status.CAUTION, "--rate 9"),
        (SETTLED, Ended.SETTLED, "Between 100/s and 200.5/s: ", Status.GOOD, "harness run steady"),
        (SETTLED[:1], Ended.BUDGET, "At least 100/s: ", Status.CAUTION, "harness run steady"),
        ([probe(5, "broke")] * 2, Ended.SETTLED, "Below 5/s: ", Status.BAD, "--rate 0.62"),
        ([probe(5, "invalid")] * 3, Ended.SETTLED, "No answer: ", Status.BAD, "harness doctor"),
        ([probe(5, "not settled")], Ended.BUDGET, "No answer: ", Status.BAD, "--budget 20m"),
        ([], None, "Cut off after 0 probes: no answer: ", Status.BAD, "harness doctor"),
        (
            SETTLED[:1],
            Ended.INTERRUPTED,
            "Interrupted after 1 probe: at least 100/s: ",
            Status.CAUTION,
            "harness capacity",
        ),
        (SETTLED, Ended.FAILED, "Ended by an error after ", Status.CAUTION, "harness doctor"),
    ],
)
def test_the_answer_is_the_first_sentence_and_text_and_page_say_the_same(
    probes, ended, sentence, status, command
):
    view = build_capacity(document(probes, ended))
    assert view.sentence.startswith(sentence)
    assert view.status is status
    assert command in view.next_command.command
    told = " ".join(render_capacity_text(view, 400).split())
    page = parsed(render_capacity_html(view))
    for words in (view.sentence, *view.reasons):
        assert words in told
        assert words in page.text


def test_an_estimated_capacity_is_told_with_its_interval_and_confidence():
    view = build_capacity(document(COUNTED))
    assert view.sentence.startswith(("Capacity 99", "Capacity 100"))
    assert view.sentence.endswith("/s with 90 % confidence: up to there known:spin keeps p99<25ms.")
    assert "90 % confidence" in view.trust[0]


def test_without_a_lower_bound_there_is_no_answer_but_a_longer_search():
    view = build_capacity(document([counted(99, 1, calls=110), counted(101, 2, calls=110)]))
    assert (
        view.sentence
        == "No answer: the counts of the probes do not bound the capacity for p99<25ms from below."
    )
    assert "--duration 20s --budget 20m" in view.next_command.command


def test_every_probe_is_a_row_and_times_of_an_invalid_one_are_withheld():
    view = build_capacity(document(SETTLED))
    assert [row.cells[5].text for row in view.probes.rows] == [probe.sight for probe in SETTLED]
    assert view.probes.rows[3].cells[3].text == "withheld"
    assert [point.sight for point in view.charts[0].plot.points].count(Sight.INVALID) == 0
    assert "the machine was busy" in view.probes.notes[0]


@pytest.mark.parametrize(
    "metric",
    [MetricFacts(name="p99", unit="ns", limit=25e6), MetricFacts(name="errors", unit="share", limit=None)],
)
def test_the_chart_is_drawn_for_times_and_for_shares(metric):
    probes = [
        probe(100, "held", metric=20e6 if metric.unit == "ns" else 0.0),
        probe(200, "broke", metric=0.5),
    ]
    (chart,) = build_capacity(document(probes, metric=metric)).charts
    assert "holds 100/s" in figures.draw(chart).svg


def test_hostile_names_stay_text():
    limit = LimitSeen(what=HOSTILE, state="broken", sentence=HOSTILE)
    probes = [probe(100, "broke", limits=[limit], reasons=[HOSTILE])]
    markup = render_capacity_html(
        build_capacity(document(probes, target=HOSTILE, scenario=HOSTILE, slos=[HOSTILE]))
    )
    assert "<img src=x" not in markup
    assert HOSTILE in parsed(markup).text
