"""Build the view of a report from a judgement and its session record."""

import re

from harness.errors import ExitCode
from harness.judge.verdict import Judgement
from harness.redaction.redact import redact_text
from harness.session.receipt import Receipt
from reports.session.facts import (
    SUSPECTS_NOTE,
    calls_made,
    environment_table,
    facts_table,
    measured_line,
    suspect_tables,
)
from reports.session.lines import groups
from reports.session.model import Links, SessionView
from reports.session.sentence import next_command, sentence, status
from reports.session.trust import null_plot, trust
from reports.shared.card import CardFacts, build_card

_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28}\b")
"""A full revision, which is shortened; the table of facts has all of it."""
_MOST_POINTS = 8


def build(
    judgement: Judgement,
    receipt: Receipt,
    links: Links,
    *,
    card: CardFacts | None = None,
    strict: bool | None = None,
) -> SessionView:
    """Return the view of a judged session, for any judgement and session record.

    `strict` is true if inconclusive comparisons fail; by default the policy of the session record decides.
    `card` is the calibration card of the gate on this machine, if there is one.
    """
    return SessionView(
        title=_HASH.sub(r"\1", f"{receipt.candidate.label} against {receipt.base.label}"),
        subtitle=_subtitle(receipt),
        verdict=judgement.verdict,
        exit_code=judgement.exit_code,
        strict=_is_strict(judgement, receipt) if strict is None else strict,
        status=status(judgement),
        sentence=sentence(judgement),
        points=_points(judgement, receipt),
        groups=groups(judgement.comparisons, calls_made(receipt.blocks)),
        trust=(*trust(judgement, receipt), *_uncalibrated(receipt, card)),
        null_plot=null_plot(judgement.controls),
        suspects=suspect_tables(judgement.suspects),
        suspects_note=SUSPECTS_NOTE,
        facts=facts_table(receipt),
        environment=environment_table(receipt),
        card=build_card(card) if card is not None else None,
        links=links,
        next_command=next_command(judgement, receipt, links),
    )


def _uncalibrated(receipt: Receipt, card: CardFacts | None) -> tuple[str, ...]:
    """Return a sentence where the policy names a calibration card, and there is none for this machine and gate."""
    if card is not None or not receipt.policy.get("card"):
        return ()
    return (
        "This gate is not calibrated on this machine yet: harness calibrate measures how often it is right.",
    )


def _points(judgement: Judgement, receipt: Receipt) -> tuple[str, ...]:
    """Return the notes needed to read the verdict, each once, and only a few."""
    every = tuple(dict.fromkeys((*judgement.reasons, *map(redact_text, (*receipt.trouble, *receipt.notes)))))
    if len(every) <= _MOST_POINTS:
        return every
    return (
        *every[: _MOST_POINTS - 1],
        f"{len(every) - _MOST_POINTS + 1:,} more stand in the receipt and the JSON document",
    )


def _is_strict(judgement: Judgement, receipt: Receipt) -> bool:
    return judgement.exit_code is ExitCode.INCONCLUSIVE or receipt.policy.get("strict") is True


def _subtitle(receipt: Receipt) -> str:
    suites = ", ".join(receipt.suites) or "none"
    measured = f" · measured: {line}" if (line := measured_line(receipt.measured)) else ""
    started = receipt.started_at[:16].replace("T", " ")
    return redact_text(f"{started} · suites: {suites} · seed {receipt.seed}{measured}")
