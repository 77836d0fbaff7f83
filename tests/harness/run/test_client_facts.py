"""Facts of several client processes become those of the whole: sums, and the worst loop."""

from harness.run.client_facts import ClientFacts, LoopLag, Paced, merged


def test_counts_add_up_and_the_worst_loop_stands_for_all():
    one = ClientFacts(
        loop_lag=LoopLag(beats=9, p99_ns=5), started=3, lost={"a": 1}, paced=Paced(made=4, never_made=1), told={"x": 2},
        untimed={"x": 1}, refused={"r": 1}, silent=2, folded={"GET /{id}": 3}, names_left=1,
    )  # fmt: skip
    two = ClientFacts(loop_lag=LoopLag(beats=1, p99_ns=50), started=1, lost={"a": 1, "b": 2})
    whole = merged([one, two])
    assert whole == ClientFacts(
        loop_lag=LoopLag(beats=1, p99_ns=50), started=4, lost={"a": 2, "b": 2}, paced=Paced(made=4, never_made=1),
        told={"x": 2}, untimed={"x": 1}, refused={"r": 1}, silent=2, folded={"GET /{id}": 3}, names_left=1,
    )  # fmt: skip


def test_no_client_has_no_facts():
    assert merged([]) is None
