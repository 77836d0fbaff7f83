"""The calibration card in every format."""

import msgspec

from reports.session.html import render_html
from reports.session.model import Links
from reports.session.view import build
from reports.shared.card import CardFacts, Rate, Seconds, build_card, render_card_markdown, render_card_text
from tests.support import judgement_builder as built
from tests.support.comment_reader import read
from tests.support.page_reader import parsed

FACTS = CardFacts(
    measured_at="2026-02-27T10:00:00", machine="Example CPU", configuration="12 + 16 blocks", note="The machine was shared.",
    rates=[
        Rate(effect="nothing", by="the gate", k=1, n=299, low=0.0001, high=0.0181, goal="at most 1 %"),
        Rate(effect="+3 % time", by="the gate", k=97, n=100, low=0.915, high=0.994),
        Rate(effect="1 more store call", by="the gate", k=0, n=0, low=0.0, high=1.0),
    ],
)  # fmt: skip
EFFECTS = ["nothing", "+3 % time", "1 more store call"]
LINES = [
    ["the gate", "1", "299", "0.3 %", "0.0 to 1.9 %", "at most 1 %"],
    ["the gate", "97", "100", "97.0 %", "91.5 to 99.4 %", "–"],
    ["the gate", "0", "0", "–", "0.0 to 100.0 %", "–"],
]


def test_every_format_says_k_of_n_with_bounds():
    view = build_card(FACTS)
    assert [[row.label, *(cell.text for cell in row.cells)] for row in view.table.rows] == LINES
    rows = read(render_card_markdown(view)).rows
    assert (rows[1::2], [row[0].strip("*") for row in rows[::2]]) == (LINES, EFFECTS)
    printed = [" ".join(line.split()) for line in render_card_text(view, 120).splitlines()]
    assert (printed[-7:-2:2], printed[-8:-2:2]) == ([" ".join(line) for line in LINES], EFFECTS)
    page = parsed(render_html(build(built.judgement(), built.receipt(), Links(), card=FACTS)))
    seen = " ".join(" ".join(page.text).split())
    assert all(text in seen for line in (*LINES, EFFECTS) for text in line)


def test_every_format_says_the_times_to_a_verdict_with_their_goal():
    seconds = [Seconds(effect="nothing", verdict="ok", median_s=4.25, goal="at most 5 s")]
    facts = msgspec.structs.replace(FACTS, seconds=seconds)
    page = parsed(render_html(build(built.judgement(), built.receipt(), Links(), card=facts)))
    for text in (
        render_card_markdown(build_card(facts)),
        render_card_text(build_card(facts)),
        " ".join(page.text),
    ):
        assert "4.25 s" in text
        assert "Time of a benchmark until its verdict" in text or "Change made, and the verdict" in text


def test_the_card_says_where_and_when_it_was_made():
    for text in (render_card_markdown(build_card(FACTS)), render_card_text(build_card(FACTS))):
        words = " ".join(text.split())
        assert "Measured on Example CPU (12 + 16 blocks), 2026-02-27." in words.replace("&#43;", "+")
        assert "The machine was shared." in words
