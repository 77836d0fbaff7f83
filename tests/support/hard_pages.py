"""Pages that are hard to lay out: long names, many stages, runs that went wrong, numbers that say nothing."""

import functools

from harness.capacity.document import Ended
from harness.capacity.seen import Sight
from harness.errors import ExitCode
from harness.judge.ablation import AblationRow
from harness.judge.verdict import Verdict
from harness.policy.thresholds import Level
from harness.reading import microsummary, summary
from harness.reading.judging import judge
from reports.ablation.html import render_ablation_html
from reports.ablation.view import build_ablation
from reports.capacity.html import render_capacity_html
from reports.capacity.view import build_capacity
from reports.micro import html as micro_html
from reports.micro import view as micro_view
from reports.profile.html import render as render_profile_html
from reports.run import html, view
from reports.session.html import render_html
from reports.session.model import Links
from reports.session.view import build
from tests.support import judgement_builder, profile_builder
from tests.support.capacity_builder import document, probe
from tests.support.micro_builder import entry, make_micro_run
from tests.support.run_builder import make_run

LONG = "Repository.find_everything_that_was_changed.<locals>.candidate_for_removal"
OPERATIONS = {
    f"GET /tenants/{{tenant}}/inventories/{{inventory}}/assets/{number}": 0.125 for number in range(8)
}
STAGES = tuple(
    (f"stage {number} with a name of some length", 0.1, 1.0 + number % 2, 1.0) for number in range(10)
)


def _runs(folder, *specs):
    return html.render(view.build([judge(summary.load(make_run(folder, **spec))) for spec in specs]))


def interrupted_run(folder):
    return _runs(folder, {"interrupted": True, "ended_s": 0.4, "never_share": 0.96, "fail_share": 0.02})


def failing_run(folder):
    return _runs(folder, {"fail_share": 0.05, "timeout_share": 0.01, "dropped_share": 0.02, "stages": STAGES})


def failing_long_target(folder):
    target = f"mine.py:create?items=5000&region=north&url=https://[redacted]-1a2b3c@{'host' * 10}/inventory"
    return _runs(folder, {"fail_share": 0.05, "target": target, "variant": ""})


def long_names(folder):
    common = {
        "operations": OPERATIONS,
        "stages": STAGES,
        "target": "known:lognormal?median_us=200&sigma=0.5&seed=1",
    }
    return _runs(
        folder,
        common,
        {**common, "variant": "the-one-with-everything-switched-on", "service_ms": 2.02, "fail_share": 0.001},
        {
            **common,
            "variant": "third",
            "service_ms": 0.00007,
            "calls_per_request": 12345.678,
            "executor": "closed",
        },
    )


def shares(_folder):
    """Differences of shares under load, which are points of a hundred."""
    paired = functools.partial(judgement_builder.paired, "GET /tenants/{tenant}/assets", unit="share")
    lines = (
        paired(metric="errors", change=0.0, low=-0.00001, high=0.00001, base=0.0, candidate=0.0, spread=1e-7),
        paired(metric="timeouts", change=0.1234, low=-0.1055, high=0.9877, base=0.01, candidate=0.1334),
        judgement_builder.paired(LONG, change=123.4, low=-0.99, high=5678.9, verdict=Verdict.REGRESSED),
    )
    judged = judgement_builder.judgement(*lines, verdict=Verdict.REGRESSED, code=ExitCode.INTERRUPTED)
    return render_html(build(judged, judgement_builder.receipt(), Links()))


def profiled_long(folder):
    name = f"{LONG} (package/of/some/depth/with/long/names/repositories/inventory_repository.py)"
    made = [
        profile_builder.Made(label, slow, name=name)
        for label, slow in (
            ("target:mine.py:create?variant=before", profile_builder.CALM),
            ("target:mine.py:create?variant=after", profile_builder.SLOWER),
        )
    ]
    return render_profile_html(profile_builder.shown(folder, *made))


def ablation_long(_folder):
    rows = [
        AblationRow(
            f"switch_{number}_{LONG}", f"GET /{LONG}", "peak_bytes", worth, low, high, Verdict.REGRESSED
        )
        for number, (worth, low, high) in enumerate(
            [(31.49, 25.14, 47.71), (-0.97, -0.99, -0.9), (0.0004, -0.0001, 0.0009), (5e5, 1e5, 9e9)]
        )
    ]
    return render_ablation_html(
        build_ablation(rows, "asset-core", ended_early="Interrupted after 4 of 34 sessions")
    )


def capacity_close(_folder):
    sights = (
        (12345.678, "held"),
        (12346.5, "broke"),
        (12345.678, "held"),
        (12346.5, "broke"),
        (24000, "broke"),
    )
    probes = [probe(rate, sight, Level.DEGRADED, metric=24.9e6) for rate, sight in sights]
    return render_capacity_html(build_capacity(document(probes, Ended.INTERRUPTED)))


def capacity_low(_folder):
    probes = [
        probe(rate, sight, metric=72.0)
        for rate, sight in ((0.05, Sight.HELD), (0.06, Sight.BROKE), (20, Sight.BROKE))
    ]
    return render_capacity_html(build_capacity(document(probes, Ended.BUDGET)))


def micro_long(folder):
    names = [f"benchmarks/unit/test_repositories.py::test_{LONG}[{number}-{'x' * 60}]" for number in range(3)]
    runs = [
        make_micro_run(folder, *(entry(name, 7.2e-8 * factor) for name in names), variant=f"variant-{factor}")
        for factor in (1, 3)
    ]
    return micro_html.render(micro_view.build([microsummary.load(run) for run in runs]))


HARD = {
    make.__name__: make
    for make in (
        interrupted_run, failing_run, failing_long_target, long_names, shares, profiled_long, ablation_long, capacity_close,
        capacity_low, micro_long,
    )
}  # fmt: skip
