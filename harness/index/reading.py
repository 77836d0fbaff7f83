"""Read what one folder came to. Total: a folder that cannot be read has an entry with the reason."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from harness.bisect.document import NAME as BISECT_NAME
from harness.bisect.document import BisectDocument
from harness.capacity import document as capacity
from harness.errors import HarnessError
from harness.imported import document as imported
from harness.index.document import Entry
from harness.judge import policy_file
from harness.judge.judge import judge as judge_session
from harness.judge.verdict import Comparison, Kind, Verdict
from harness.micro.document import KIND as MICRO
from harness.profiling import document as profiling
from harness.reading import microsummary, summary
from harness.reading.judging import judge as judge_run
from harness.run.directory import RunDirectory, decode
from harness.session import receipt_file
from harness.storage import folder
from harness.storage.folder import DOCUMENT, read_head
from harness.units import format_ns, format_rate

REPORT = "report.html"
_SOURCES = (DOCUMENT, receipt_file.NAME, BISECT_NAME, REPORT)
_SEVERITY = (Verdict.REGRESSED, Verdict.INVALID, Verdict.IMPROVED, Verdict.INCONCLUSIVE, Verdict.OK)
_MOST_FIGURES = 3
_SHORT = 12


def stamp_of(path: Path) -> str:
    """Return the sizes and times of the files that tell what a folder came to."""
    found = []
    for name in _SOURCES:
        try:
            facts = (path / name).stat()
        except OSError:
            continue
        found.append(f"{name} {facts.st_size} {facts.st_mtime_ns}")
    return "; ".join(found)


def read_entry(path: Path) -> Entry:
    """Return the entry of one folder of the harness."""
    head = read_head(path)
    kind = head.kind if head else folder.SESSION
    report = f"{path.name}/{REPORT}" if (path / REPORT).is_file() else None
    facts = Entry(name=path.name, kind=kind, report=report, stamp=stamp_of(path))
    try:
        return _READERS.get(kind, _other)(path, facts)
    except (HarnessError, ValueError, OverflowError, ArithmeticError) as error:
        what = error.what if isinstance(error, HarnessError) else str(error)
        return msgspec.structs.replace(facts, word="unreadable", reason=what)


def _load(path: Path, facts: Entry) -> Entry:
    judged = judge_run(summary.load(path))
    document, total = judged.run.document, judged.run.total
    times = total.percentiles("response_ns")
    failed = sum(count for outcome, count in total.outcomes.items() if outcome != "completed")
    figures = [("throughput", format_rate(judged.run.throughput_per_s))]
    figures += [(name, format_ns(times[name])) for name in ("p50", "p99") if times.get(name) is not None]
    figures += [("not completed", f"{failed:,}")] if failed else []
    title = " ".join(filter(None, (document.scenario, document.target, document.variant)))
    return _made(
        facts, document.started_at, title, str(judged.validity.level), figures, judged.validity.reasons
    )


def _micro(path: Path, facts: Entry) -> Entry:
    found = microsummary.load(path)
    slowest = sorted(found.benchmarks.items(), key=lambda item: -item[1].median_ns)[: _MOST_FIGURES - 1]
    figures = [
        ("benchmarks", f"{len(found.benchmarks):,}"),
        *((name, format_ns(one.median_ns)) for name, one in slowest),
    ]
    title = " ".join(filter(None, (found.document.suite, found.document.variant)))
    return _made(
        facts, found.document.started_at, title, str(found.validity.level), figures, found.validity.reasons
    )


def _session(path: Path, facts: Entry) -> Entry:
    receipt = receipt_file.read_receipt(path)
    judged = judge_session(receipt, policy_file.from_table(receipt.policy, where="the receipt's policy"))
    shown = sorted(filter(_is_shown, judged.comparisons), key=_rank)[:_MOST_FIGURES]
    figures = [(f"{one.benchmark} {one.metric}", f"{one.change or 0.0:+.2%}") for one in shown]
    title = f"{_label(receipt.base.label)} → {_label(receipt.candidate.label)}"
    entry = _made(facts, receipt.started_at, title, str(judged.verdict), figures, judged.reasons)
    return msgspec.structs.replace(entry, exit_code=int(judged.exit_code))


def _label(text: str) -> str:
    return text[:_SHORT] if len(text) == 40 else text


def _is_shown(one: Comparison) -> bool:
    return one.kind is not Kind.LIMIT and one.change is not None and one.counts and not one.watched


def _rank(one: Comparison) -> tuple[int, float]:
    place = _SEVERITY.index(one.verdict) if one.verdict in _SEVERITY else len(_SEVERITY)
    return place, -abs(one.change or 0.0)


def _capacity(path: Path, facts: Entry) -> Entry:
    document = RunDirectory(path).read_as(capacity.KIND, capacity.CapacityDocument)
    told = capacity.answer(document)
    found = told.capacity.per_s if told.capacity else told.found.held_per_s
    figures = [("capacity", format_rate(found)), ("SLO", "; ".join(document.slos))]
    title = " ".join(filter(None, (document.scenario, document.target, document.variant)))
    return _made(facts, document.started_at, title, str(told.level), figures, told.reasons)


def _profile(path: Path, facts: Entry) -> Entry:
    document = RunDirectory(path).read_as(profiling.KIND, profiling.ProfileDocument)
    figures = [
        ("profiles", ", ".join(document.kinds)),
        ("rounds", f"{len(document.rounds)} of {document.rounds_planned}"),
    ]
    title = " ".join(filter(None, (document.scenario, document.subject)))
    return _made(
        facts,
        document.started_at,
        title,
        "interrupted" if document.interrupted else "",
        figures,
        document.trouble,
    )


def _imported(path: Path, facts: Entry) -> Entry:
    document = RunDirectory(path).read_as(imported.KIND, imported.ImportedDocument)
    figures = [("rows", f"{len(document.rows):,}")]
    return _made(
        facts, document.started_at, f"{document.tool}: {document.source}", "", figures, document.notes
    )


def _bisect(path: Path, facts: Entry) -> Entry:
    document = decode(path / BISECT_NAME, BisectDocument)
    asked = document.asked
    figures = [("commits", f"{max(len(document.commits) - 1, 0):,}"), ("probes", f"{document.probes:,}")]
    if document.answer is not None:
        found = document.answer.commits
        figures.insert(
            0,
            (
                str(document.answer.outcome),
                " to ".join(one[:_SHORT] for one in dict.fromkeys(found[:1] + found[-1:])),
            ),
        )
    title = f"{asked.good[:_SHORT]} … {asked.bad[:_SHORT]} {document.benchmark or asked.select} {document.metric}".strip()
    return _made(facts, "", title, "finished" if document.finished else "unfinished", figures, ())


def _other(_path: Path, facts: Entry) -> Entry:
    return _made(facts, "", "", "", [], ())


def _made(
    facts: Entry,
    started_at: str,
    title: str,
    word: str,
    figures: Sequence[tuple[str, str]],
    reasons: Iterable[str],
) -> Entry:
    return msgspec.structs.replace(
        facts,
        started_at=started_at,
        title=title,
        word=word,
        figures=list(figures),
        reason=next(iter(reasons), ""),
    )


_READERS: Mapping[str, Callable[[Path, Entry], Entry]] = {
    "load": _load,
    MICRO: _micro,
    folder.SESSION: _session,
    capacity.KIND: _capacity,
    profiling.KIND: _profile,
    imported.KIND: _imported,
    folder.BISECT: _bisect,
}
