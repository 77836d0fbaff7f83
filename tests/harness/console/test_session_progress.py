"""How far a session is, in words: blocks done, and the widest interval."""

import contextlib
import io
import math

import pytest
from rich.console import Console

from harness.console.console import Talk
from harness.console.session_progress import Narrowing, half_width, widest
from harness.judge.evidence import WALL, Evidence, Pair
from harness.judge.paired import change_of
from harness.session.receipt import NULL_CONTROL, Benchmark, Phase, Rule
from tests.support.judge import PAIRS, block, load_block, receipt, segment


def pairs(*changes):
    return tuple(Pair(1.0, math.exp(change), change) for change in changes)


def screened(count, swing=0.0):
    """A receipt in which `wild` swings from block to block and `calm` does not."""
    names = ("calm", "wild", NULL_CONTROL)
    return receipt(
        benchmarks=[
            Benchmark(name=name, pairs=PAIRS, of="calm" if name == NULL_CONTROL else None) for name in names
        ],
        blocks=[
            block(number, Phase.SCREEN, {"calm": 0.0, "wild": swing * (-1) ** number, NULL_CONTROL: 0.0})
            for number in range(count)
        ],
    )


def talk_to(text, **options):
    talk = Talk()
    talk.console = Console(file=text, soft_wrap=True, highlight=False, width=100, **options)
    return talk


@pytest.mark.parametrize("rule", Rule)
def test_half_of_the_interval_is_that_by_which_the_session_decides(rule):
    values = [place / 1000 for place in range(12)]
    evidence = Evidence("a", WALL, screened=pairs(*values))
    expected = change_of(evidence.screened, WALL, rule)
    assert half_width(evidence, Phase.SCREEN, rule) == pytest.approx(
        math.expm1((expected.high - expected.low) / 2)
    )
    # Of 12 values, what holds at every look is wider than what holds once.
    assert half_width(evidence, Phase.SCREEN, Rule.SEQUENTIAL) > half_width(
        evidence, Phase.SCREEN, Rule.FIXED
    )


def test_while_blocks_are_confirmed_their_interval_alone_counts():
    evidence = Evidence("a", WALL, screened=pairs(*[0.0, 0.5] * 6), confirmed=pairs(*[0.001] * 11, 0.002))
    assert half_width(evidence, Phase.CONFIRM) == 0
    assert half_width(evidence, Phase.SCREEN) > 0.2


@pytest.mark.parametrize("count", [0, 1, 5])
def test_few_blocks_bound_nothing(count):
    assert half_width(Evidence("a", WALL, screened=pairs(*[0.01] * count)), Phase.SCREEN) == math.inf


def test_the_benchmark_that_is_known_least_is_named():
    assert widest(screened(12, swing=0.1), Phase.SCREEN) == "(widest: wild ±10.5 %)"


def test_what_importing_costs_is_not_what_the_session_narrows():
    found = screened(12, swing=0.1)
    for one in found.blocks:
        one.import_ns["candidate"] *= 1 + one.number % 3
    assert "wild" in widest(found, Phase.SCREEN)


def test_nothing_is_said_of_intervals_while_there_are_none():
    assert widest(screened(3), Phase.SCREEN) == ""


def test_under_load_the_median_of_all_operations_is_what_narrows():
    blocks = [
        load_block(number, candidate=segment(p50_ns=1e6 * (1 + 0.02 * (number % 2)))) for number in range(12)
    ]
    assert widest(receipt(load_blocks=blocks), Phase.SCREEN) == "(widest: all ±1.0 %)"


def test_elsewhere_than_on_a_terminal_the_first_and_the_last_block_have_a_line():
    text = io.StringIO()
    with Narrowing(talk_to(text)) as progress:
        for done in range(1, 5):
            progress.block(Phase.SCREEN, done, 4, receipt())
        progress.block(Phase.CONFIRM, 2, 2, receipt())
    assert text.getvalue().splitlines() == [
        "Screening: 1 of up to 4 blocks",
        "Screening: 4 of up to 4 blocks",
        "Confirming: 2 of up to 2 blocks",
    ]


def test_on_a_terminal_every_phase_has_a_bar_that_is_gone_when_an_error_ends_it():
    text = io.StringIO()
    progress = Narrowing(talk_to(text, force_terminal=True))
    with contextlib.suppress(KeyboardInterrupt), progress:
        progress.block(Phase.SCREEN, 12, 12, receipt())
        progress.block(Phase.CONFIRM, 1, 12, receipt())
        raise KeyboardInterrupt
    assert "Screening" in text.getvalue()
    assert "Confirming" in text.getvalue()
    assert not progress._bar.live.is_started
    assert "12/12" in text.getvalue()
