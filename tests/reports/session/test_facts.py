"""What a report says beside the verdicts: what a process ran, and what slowed all of it."""

import msgspec

from harness.judge.verdict import Verdict
from reports.session.model import Links
from reports.session.view import build
from tests.support import judgement_builder as built


def shown(judgement, **more):
    return build(judgement, more.pop("receipt", None) or built.receipt(), Links(), **more)


def test_a_candidate_that_slows_its_whole_process_is_the_sentence():
    note = "the candidate slows everything in its process: a fixed loop takes 7.5 times as long there. Look for a trace hook"
    loop = built.paired("process", Verdict.REGRESSED, 6.5, metric="fixed_loop", note=note)
    rest = built.paired("a", Verdict.INCONCLUSIVE)
    view = shown(built.judgement(loop, rest, verdict=Verdict.REGRESSED))
    assert view.sentence == (
        "The candidate slows everything in its process: a fixed loop takes 7.5 times as long there; 1 inconclusive."
    )


def test_how_many_calls_a_process_made_is_said_once_for_each_benchmark():
    receipt = built.receipt()
    receipt.blocks = [msgspec.structs.replace(one, calls={"a": 32_000}) for one in receipt.blocks]
    view = shown(
        built.judgement(built.paired("a"), built.paired("a", metric="cpu_mean"), built.paired("b")),
        receipt=receipt,
    )
    said = [(line.name, line.coverage) for line in view.lines if line.coverage]
    assert said == [("a wall", "Each process made about 32,000 calls")]
    assert (
        "Each process made about 32,000 calls"
        in view.lines[0].details + view.lines[1].details + view.lines[2].details
    )
