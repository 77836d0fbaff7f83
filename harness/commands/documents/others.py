"""The documents of commands that measure nothing: `harness list`, `init`, `export`, `doctor` and `clean`."""

from typing import NotRequired, TypedDict

from harness.commands.documents.parts import Document, Facts
from harness.work.checks import Finding


class NamedScenario(TypedDict):
    """A scenario; `pace` is its rate or its users."""

    name: str
    summary: str
    pace: str


class NamedTarget(TypedDict):
    """A target that the harness brings."""

    name: str
    summary: str
    variants: list[str]


class Form(TypedDict):
    """A form of a SPEC for targets of one's own."""

    spec: str
    summary: str


class NamedBenchmark(TypedDict):
    """A micro-benchmark of this project."""

    name: str
    summary: str


class Inventory(Document):
    """Everything that can be run here."""

    scenarios: list[NamedScenario]
    targets: list[NamedTarget]
    forms: list[Form]
    benchmarks: list[NamedBenchmark]


class Start(Document):
    """The findings of `harness init`, and the files that it wrote; those in `kept` existed, `next` are commands."""

    target: str | None
    others: list[str]
    source_roots: list[str]
    suite: str | None
    locustfile: str | None
    left_out: list[str]
    written: list[str]
    kept: list[str]
    next: list[str]


class Exported(TypedDict):
    """The files written of one run or receipt; `sent` are the addresses that took its numbers by OTLP."""

    dir: str
    files: list[str]
    validity: NotRequired[str]
    verdict: NotRequired[str]
    sent: NotRequired[list[str]]


class Exports(Document):
    """Exported files."""

    exports: list[Exported]


class Diagnosis(Document):
    """The findings about this machine or its stores."""

    findings: list[Finding]
    environment: Facts


class Left(TypedDict):
    """A folder that was not removed."""

    dir: str
    reason: str


class Removal(Document):
    """Folders that `harness clean` removed, or would remove with `dry_run`."""

    removed: list[str]
    freed_bytes: int
    dry_run: bool
    left: list[Left]
