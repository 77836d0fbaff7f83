"""The documents of comparisons: `harness compare`, `gate`, `judge`, `ablate` and `calibrate`."""

from typing import TypedDict

from harness.calibrate.card import Card
from harness.commands.documents.parts import Document
from harness.session.receipt import MeasuredRoot


class NullControl(TypedDict):
    """The A/A check: base against base."""

    clean: bool | None
    change: float | None
    p: float | None


class Controls(TypedDict):
    """The controls of a session; `bad_blocks` is the share of disturbed blocks."""

    null: NullControl
    bad_blocks: float | None
    reasons: list[str]


class Site(TypedDict):
    """A function behind a count, on both sides."""

    function: str
    base: float | None
    candidate: float | None


class Comparison(TypedDict):
    """One metric of one benchmark. `change`, `low` and `high` are shares: 0.03 is 3 % more. `kind`: paired, exact or limit."""

    benchmark: str
    metric: str
    kind: str
    unit: str
    base: float | None
    candidate: float | None
    change: float | None
    low: float | None
    high: float | None
    blocks: int
    p: float | None
    margin: float | None
    detectable: float | None
    blocks_needed: int | None
    allowed: float | None
    verdict: str
    counts: bool
    watched: bool
    accepted: str | None
    note: str
    sites: list[Site]


class Suspect(TypedDict):
    """A function whose weight changed."""

    function: str
    base: float | None
    candidate: float | None
    unit: str


class Suspects(TypedDict):
    """The functions behind a regression."""

    benchmark: str
    metric: str
    functions: list[Suspect]
    note: str


class Session(Document):
    """A judged session. `verdict` is ok, improved, regressed, inconclusive or invalid; `receipt` its record."""

    report: str | None
    receipt: str | None
    receipts: list[str]
    verdict: str
    exit_code: int
    reasons: list[str]
    measured: list[MeasuredRoot]
    controls: Controls
    comparisons: list[Comparison]
    suspects: list[Suspects]


class AblationRow(TypedDict):
    """The worth of one optimisation: how much the metric grows without it, as a share."""

    switch: str
    operation: str
    metric: str
    worth: float | None
    low: float | None
    high: float | None
    verdict: str
    note: str


class Ablation(Document):
    """The worth of optimisations."""

    report: str | None
    interrupted: bool
    rows: list[AblationRow]


class Calibration(Document):
    """The calibration card, and its file."""

    file: str
    card: Card
