"""One page of every kind of report, from made-up runs and judgements."""

import functools

from harness.capacity.document import Ended
from harness.history.courses import Around
from harness.history.courses import build as build_history
from harness.history.ledger import read as read_ledger
from harness.history.states import CommitFacts
from harness.imported.document import ImportedDocument, ImportedRow
from harness.index.document import Entry as IndexEntry
from harness.index.document import Index
from harness.judge.ablation import AblationRow
from harness.judge.verdict import Verdict
from harness.policy.history import HistoryRules
from harness.reading import microsummary, summary
from harness.reading.judging import judge
from reports.ablation.html import render_ablation_html
from reports.ablation.view import build_ablation
from reports.capacity.html import render_capacity_html
from reports.capacity.view import build_capacity
from reports.history.html import render_html as render_history_html
from reports.history.view import build as build_history_view
from reports.index.html import render_html as render_index_html
from reports.index.view import build as build_index
from reports.micro import html as micro_html
from reports.micro import imported as imported_view
from reports.micro import view as micro_view
from reports.profile.html import render as render_profile_html
from reports.run import html, view
from reports.session.html import render_html
from reports.session.model import Links
from reports.session.view import build
from reports.shared.card import CardFacts, Rate
from tests.support import judgement_builder, ledgers, profile_builder
from tests.support.capacity_builder import document, probe
from tests.support.micro_builder import entry, make_micro_run
from tests.support.profile_builder import CALM, SLOWER
from tests.support.run_builder import make_run, served
from tests.support.sampled import make_soak

STAGES = (("before", 0.5, 1.0, 1.0), ("spike", 0.5, 3.0, 3.0))


def _folded(weight):
    call, other = (
        "operation:GET /assets/{id};call (shop/core.py)",
        "operation:POST /assets;call (shop/core.py)",
    )
    stacks = f"{call};dumps (json/encoder.py) {weight}\n{call};get (shop/store.py) 40\n{other} 30\n"
    units = {
        "cpu/cpu": "samples",
        "memory/memory": "allocations",
        "memory/bytes": "bytes",
        "memory/peak": "bytes",
    }
    return {f"{name}.folded": f"# unit: {unit}.\n{stacks}" for name, unit in units.items()}


def _waits():
    """A profile of waiting, so that the page has its tab."""
    stack = "operation:GET /assets/{id};call (shop/core.py);get (shop/store.py)"
    return {"wait/wait.folded": f"# unit: ns.\n{stack} 9000000\n"}


def _runs(folder, *specs):
    return html.render(view.build([judge(summary.load(make_run(folder, **spec))) for spec in specs]))


def _leaking():
    """A server that grows, so that the page has its table, its sentence and its charts."""
    return served([(50 + place) * 2**20 for place in range(40)])


def one_run(folder):
    return _runs(
        folder,
        {"folded": _folded(200) | _waits(), "stages": STAGES, "fail_share": 0.01, "served": _leaking()},
    )


def soak(folder):
    """An hour in which memory grows and the rest is flat."""
    path = make_soak(
        folder, rate_per_s=2.0, own_bytes=lambda second: 6e7 + 5000 * second, slos=["rss<+5MB/h,fds<+0"]
    )
    return html.render(view.build([judge(summary.load(path))]))


def two_variants(folder):
    return _runs(
        folder,
        {"folded": _folded(400), "stages": STAGES},
        {"folded": _folded(90), "stages": STAGES, "variant": "optimised", "service_ms": 0.5},
    )


def invalid_run(folder):
    return _runs(folder, {"harness_lag_ms": 8.0, "folded": _folded(200)})


def comparison(_folder):
    judged = judgement_builder.judgement(
        judgement_builder.paired("bench_list"), judgement_builder.exact(), verdict=Verdict.OK
    )
    return render_html(build(judged, judgement_builder.receipt(), Links()))


def gate(_folder):
    judged = judgement_builder.regressed_session()
    rate = Rate(effect="+3 % time", by="the gate", k=97, n=100, low=0.915, high=0.994)
    card = CardFacts(
        measured_at="2026-02-27", machine="Example CPU", configuration="12 + 16 blocks", rates=[rate]
    )
    return render_html(build(judged, judgement_builder.receipt(), Links(), card=card))


def load_comparison(_folder):
    """Pairs of load runs: rates, tails with wide intervals, and errors against their limit."""
    paired = functools.partial(judgement_builder.paired, "asset-read")
    lines = (
        paired(metric="p99", change=0.31, low=0.12, high=0.55, verdict=Verdict.REGRESSED),
        paired(metric="p50", change=0.004, low=-0.01, high=0.02),
        paired(metric="throughput", change=-0.002, low=-0.004, high=0.001),
        paired(metric="p999", change=0.2, low=-0.3, high=1.4, verdict=Verdict.INCONCLUSIVE),
    )
    judged = judgement_builder.judgement(*lines, verdict=Verdict.REGRESSED)
    return render_html(build(judged, judgement_builder.receipt(), Links()))


def profiled(folder):
    before, after = profile_builder.Made("before", CALM), profile_builder.Made("after", SLOWER)
    return render_profile_html(profile_builder.shown(folder, before, after))


def ablation(_folder):
    row = functools.partial(AblationRow, operation="GET /assets", metric="wall")
    rows = [
        row(switch="batching", worth=3.2, low=3.05, high=3.4, verdict=Verdict.REGRESSED),
        row(switch="prefetch", worth=0.008, low=-0.01, high=0.02, verdict=Verdict.INCONCLUSIVE),
        row(switch="pooling", worth=None, low=None, high=None, verdict=Verdict.INVALID, note="it fails"),
    ]
    return render_ablation_html(build_ablation(rows, "asset-core"))


def capacity(_folder):
    sights = (
        (100, "held"),
        (200.5, "broke"),
        (141, "not settled"),
        (150, "invalid"),
        (200.5, "broke"),
        (100, "held"),
    )
    return render_capacity_html(
        build_capacity(document([probe(rate, sight) for rate, sight in sights], Ended.SETTLED))
    )


def history(folder):
    """A course that creeps, one with a change point, one that is not tied, and counts."""
    name = "tests/bench_parse.py::test_parse[a very long parameter of it]"
    lines = []
    for number in range(1, 31):
        wobble = 0.003 * (-1) ** number
        lines.append(ledgers.entry(number, 0.004 + wobble, benchmark=name))
        lines.append(
            ledgers.entry(
                number, 0.06 * (number == 17) + wobble, benchmark="b.py::test_render", verdict="regressed"
            )
        )
        lines.append(ledgers.anchor(number, 0.06 * (number >= 17) + wobble, benchmark="b.py::test_render"))
        lines.append(ledgers.exact(number, 4 + (number > 10), 4 + (number > 9), benchmark="GET /a"))
    lines += [ledgers.entry(number, -0.02, benchmark="c.py::test_gap") for number in (1, 2, 5)]
    facts = {
        ledgers.commit(number): CommitFacts("2026-11-30T00:00:00+00:00", "Fix <b>it</b>")
        for number in range(31)
    }
    around = Around(HistoryRules(), None, facts, "https://host.example/shop/commit/", "performance-history")
    found = read_ledger(ledgers.write(folder / "ledger", *lines))
    return render_history_html(build_history_view(build_history(found, around)))


def index(_folder):
    """Every kind of folder, with long names, without a page, and unreadable."""
    made = functools.partial(IndexEntry, started_at="2026-11-30T12:00:00+00:00")
    entries = [
        made(name="20261130T120000Z-gate-aaaaaa", kind="session", title="main (0123456789ab) → the working tree", word="regressed",
             figures=[("tests/bench_parse.py::test_parse[a very long parameter of it] wall", "+12.3 %")], report="x/report.html"),
        made(name="20261130T110000Z-steady-aaaaaa", kind="load", title="steady call:shop.prices:total", word="valid",
             figures=[("throughput", "100/s"), ("p50", "1.2 ms")]),
        made(name="20261130T100000Z-gate-bbbbbb", kind="session", word="unreadable", reason="The receipt is damaged: it ends early"),
        made(name="20261130T090000Z-bench-aaaaaa", kind="micro", title="scenarios/micro", word="degraded"),
    ]  # fmt: skip
    return render_index_html(build_index(Index(entries=entries), "runs"))


def micro(folder):
    slow = [
        entry("test_a.py::test_one", 0.005),
        entry("test_b.py::test_two[x]", 2e-5, per_call=100, spread=0.3),
    ]
    quick = [entry("test_a.py::test_one", 0.001), entry("test_b.py::test_two[x]", 2e-5, per_call=100)]
    runs = [
        make_micro_run(folder, *entries, variant=name)
        for name, entries in (("baseline", slow), ("optimised", quick))
    ]
    return micro_html.render(micro_view.build([microsummary.load(run) for run in runs]))


def imported(_folder):
    def run(source, tool, scale):
        rows = [
            ImportedRow(
                name="GET /assets/{id}", count=2_000, failed=3, p50_ns=1e7 * scale, p99_ns=3e7 * scale
            ),
            ImportedRow(name="test_a.py::test_one[a very long parameter]", count=50, p50_ns=2e3 * scale),
        ]
        return f"runs/{source}", ImportedDocument(
            tool=tool, source=source, source_sha256="0" * 64, started_at="2026-11-30T12:00:00+00:00",
            command="harness import", rows=rows, facts={"cpu": "Example CPU"}, notes=["A note"],
        )  # fmt: skip

    return micro_html.render(imported_view.build([run("a.jtl", "JMeter", 1), run("k6.csv", "k6", 1.2)]))


KINDS = {
    make.__name__: make
    for make in (
        one_run,
        soak,
        two_variants,
        invalid_run,
        comparison,
        load_comparison,
        gate,
        profiled,
        ablation,
        capacity,
        history,
        index,
        micro,
        imported,
    )
}
