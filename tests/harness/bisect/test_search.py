"""The search on simulated measurements: the right commit, however noisy, and what it says of its size."""

import random

import pytest

from harness.bisect.search import BLOCKS, Search


def searched(seed, *, count=32, effect=0.05, sd=0.01, skipped=(), culprit=None, is_exact=False):
    """Search states of which one makes the change; return the culprit, the search and its answer."""
    rng = random.Random(seed)
    culprit = culprit or rng.randint(1, count)

    def blocks(state, number):
        level = effect if state < culprit else 0.0
        # Disturbed blocks are among them.
        return [
            level + (rng.gauss(0, sd) if rng.random() > 0.05 else rng.gauss(0, 10 * sd))
            for _ in range(number)
        ]

    search = Search(count, is_exact, {0: [effect] if is_exact else blocks(0, 12)})
    while (state := search.next()) is not None:
        search.probes += 1
        if state in skipped:
            search.skipped[state] = "it does not build"
        else:
            values = [effect if state < culprit else 0.0] if is_exact else blocks(state, BLOCKS)
            search.changes.setdefault(state, []).extend(values)
    return culprit, search, search.answer()


def test_the_right_commit_of_thirty_two_is_found_in_a_few_probes():
    found = [searched(seed) for seed in range(100)]
    assert sum(answer.first == answer.last == culprit for culprit, _, answer in found) >= 98
    assert sum(search.probes for _, search, _ in found) / len(found) < 14


def test_the_effect_of_the_commit_is_measured_beside_it():
    held = 0
    for seed in range(60):
        _, search, answer = searched(seed)
        effect, low, high = search.own_effect(answer)
        held += low <= 0.05 <= high
        assert effect == pytest.approx(0.05, abs=0.03)
    assert held >= 52


def test_counts_take_as_many_probes_as_halving():
    culprit, search, answer = searched(3, is_exact=True)
    assert (answer.first, answer.last, search.probes) == (culprit, culprit, 5)
    assert search.own_effect(answer) == (0.05, 0.05, 0.05)


def test_states_that_do_not_build_leave_the_shortest_range_around_the_culprit():
    culprit, search, answer = searched(5, culprit=14, skipped={13, 14})
    assert answer.first <= culprit <= answer.last
    assert (answer.first, answer.last) == (13, 15)
    assert set(search.skipped) <= {13, 14}
    culprit, search, answer = searched(6, culprit=20, skipped=set(range(1, 32)))
    assert (answer.first, answer.last) == (1, 32)


def test_one_commit_needs_no_probe():
    _, search, answer = searched(1, count=1, culprit=1)
    assert (answer.first, answer.last, search.probes) == (1, 1, 0)


def test_a_change_in_two_parts_is_not_given_to_one_commit_as_a_whole():
    rng = random.Random(2)
    levels = {state: 0.06 if state < 5 else 0.025 if state < 11 else 0.0 for state in range(17)}
    search = Search(16, False, {0: [0.06 + rng.gauss(0, 0.004) for _ in range(12)]})
    while (state := search.next()) is not None:
        search.probes += 1
        search.changes.setdefault(state, []).extend(
            levels[state] + rng.gauss(0, 0.004) for _ in range(BLOCKS)
        )
    answer = search.answer()
    effect, _, high = search.own_effect(answer)
    assert (answer.first, effect) == (5, pytest.approx(0.035, abs=0.008))
    assert high < 0.06
