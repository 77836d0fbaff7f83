"""Render a judgement as OpenMetrics text, as GitLab's metrics report reads it.

GitLab reads lines by the words of a shell, cuts them at `#`, and compares values as text. So no label holds `#`, and
measured changes have three significant digits.
"""

from collections import Counter
from collections.abc import Iterator

from harness.judge.verdict import Comparison, Judgement, Kind
from reports.shared.visible import visible

_FAMILIES = {
    "harness_exit_code": "Exit code of the gate: 3 for a regression, 5 for an invalid measurement",
    "harness_comparisons": "Number of comparisons by verdict",
    "harness_candidate": "Value of the candidate: what repeats exactly, and the figures of limits",
    "harness_change_ratio": "Change of a paired metric from base to candidate, as a share",
}
_FORMATS = {"harness_change_ratio": ".3g"}


def render_openmetrics(judgement: Judgement) -> str:
    """Return the text of the exposition, one gauge for each family."""
    samples = {
        "harness_exit_code": [("", float(judgement.exit_code))],
        "harness_comparisons": list(_counts(judgement)),
        "harness_candidate": [
            (_labels(one), one.candidate)
            for one in judgement.comparisons
            if one.kind is not Kind.PAIRED and one.candidate is not None
        ],
        "harness_change_ratio": [
            (_labels(one), one.change)
            for one in judgement.comparisons
            if one.kind is Kind.PAIRED and one.change is not None
        ],
    }
    return "".join((*_lines(samples), "# EOF\n"))


def _lines(samples: dict[str, list[tuple[str, float]]]) -> Iterator[str]:
    for family, help_text in _FAMILIES.items():
        yield f"# TYPE {family} gauge\n"
        if family.endswith("_ratio"):
            yield f"# UNIT {family} ratio\n"
        yield f"# HELP {family} {help_text}\n"
        # A label set may stand only once.
        for labels, value in dict(samples[family]).items():
            yield f"{family}{labels} {value:{_FORMATS.get(family, '.12g')}}\n"


def _counts(judgement: Judgement) -> Iterator[tuple[str, float]]:
    counts = Counter(str(one.counts_as) for one in judgement.comparisons if one.counts)
    yield from ((f'{{verdict="{verdict}"}}', float(count)) for verdict, count in sorted(counts.items()))


def _labels(comparison: Comparison) -> str:
    names = {"benchmark": comparison.benchmark, "metric": comparison.metric}
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in names.items()) + "}"


def _escaped(value: str) -> str:
    plain = visible(value).replace("#", "%23")
    return plain.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
