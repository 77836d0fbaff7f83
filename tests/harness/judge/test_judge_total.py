"""The judge is total: whatever a receipt holds, there is a verdict, and what lost data passes nothing."""

import copy
import json
import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import ExitCode
from harness.judge.document import as_json
from harness.judge.judge import judge
from harness.judge.looks import Looks
from harness.judge.mutants import MUTANTS, stale_baseline
from harness.judge.verdict import Verdict
from harness.policy.policy import Limit, Policy
from harness.session.receipt import Phase, Receipt
from tests.support.judge import Simulation, count, load_block, receipt

POLICY = Policy()
LIMITED = Policy(limits=(Limit(slo="p99<25ms"),))
PASSING = {Verdict.OK, Verdict.IMPROVED}


def whole():
    """A receipt of all three suites, one benchmark of it confirmed."""
    session = Simulation({"a": 0.0, "b": 0.05}).run(Looks(POLICY))
    session.suites = ["micro", "exact", "load"]
    session.counts = [count([2.0] * 3, [2.0] * 3), count([5, 6, 5], [5, 5, 6], metric="allocations")]
    session.load_blocks = [load_block(number) for number in range(12)]
    return session


WHOLE = msgspec.to_builtins(whole())
# Read anew for each example: several times as quick as a deep copy.
WHOLE_TEXT = msgspec.json.encode(WHOLE)
# Half of the values come from what receipts hold, so that damage is not found at once.
ODD = st.sampled_from(
    [None, 0, -1, 1, 10**15, 10**18, 2**62, 0.5, -1e300, 1e-300, "", "all", "a", "confirm", [], {}, True]
)


def places(tree, path=()):
    """All paths into a tree of dicts and lists."""
    yield path
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


PLACES = [path for path in places(WHOLE) if path]


def at(tree, path):
    for key in path:
        tree = tree[key]
    return tree


def damage(tree, path, kind, value):
    """Remove, double, shuffle or replace what is at `path`, if it is still there."""
    try:
        parent, key = at(tree, path[:-1]), path[-1]
        parent[key]
    except (KeyError, IndexError, TypeError):
        return
    if not isinstance(parent, (dict, list)):
        return
    if kind == "remove":
        del parent[key]
    elif kind == "double" and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    elif kind == "shuffle" and isinstance(parent, list):
        random.Random(0).shuffle(parent)
    elif kind == "replace":
        parent[key] = value


# A tree has many leaves and few branches: damage near the root must not be rare.
DAMAGES = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from([path for path in PLACES if len(path) <= 2]),
            st.sampled_from([path for path in PLACES if 2 < len(path) <= 4]),
            st.sampled_from(PLACES),
        ),
        st.sampled_from(["remove", "double", "shuffle", "replace", "replace"]),
        ODD,
    ),
    min_size=1,
    max_size=6,
)


def decoded(damages):
    tree = msgspec.json.decode(WHOLE_TEXT)
    for one in damages:
        damage(tree, *one)
    try:
        return msgspec.convert(tree, Receipt)
    except msgspec.ValidationError:
        return None


@settings(max_examples=150, deadline=None)
@given(DAMAGES, st.sampled_from([POLICY, LIMITED, Policy(strict=True, margin_percent=0.001)]))
def test_every_receipt_that_decodes_has_a_judgement(damages, policy):
    session = decoded(damages)
    if session is None:
        return
    judgement = judge(session, policy)
    json.dumps(as_json(judgement, None, None), allow_nan=False)
    looks = Looks(policy)
    for look in (looks.screening, looks.confirming, looks.confirming_load):
        assert isinstance(look(session), frozenset)
    for mutant in MUTANTS.values():
        mutant(session, policy)
    stale_baseline(session, policy, session)
    passes = judgement.verdict in PASSING
    assert passes <= (session.finished and not session.interrupted)
    assert (judgement.exit_code is ExitCode.LIMIT_BROKEN) <= (judgement.verdict is Verdict.REGRESSED)
    if not session.interrupted:
        assert (judgement.exit_code is ExitCode.INVALID) == (judgement.verdict is Verdict.INVALID)


def test_the_undamaged_receipt_is_judged_on_all_of_it():
    judgement = judge(msgspec.convert(WHOLE, Receipt), POLICY)
    found = {(one.benchmark, one.metric): one.verdict for one in judgement.comparisons}
    assert found.pop(("b", "wall")) is Verdict.REGRESSED
    assert found.pop(("b", "cpu_mean")) is Verdict.REGRESSED
    assert set(found.values()) == {Verdict.OK}
    assert judgement.reasons == ()


DATA = [
    path
    for path in PLACES
    if path[0] in {"blocks", "load_blocks"}
    and path[-1] not in {"spawned", "null_ns", "null", "cpu", "order", "reasons", "counts", "limits"}
    and not {"spawned", "order", "base_cpu_ns", "candidate_cpu_ns", "reasons", "limits"} & set(path)
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DATA), st.data())
def test_measured_data_taken_away_passes_nothing(path, data):
    """One benchmark regressed in this receipt: whatever is lost, the answer is no pass."""
    tree = msgspec.json.decode(WHOLE_TEXT)
    damage(tree, path, "remove", None)
    for _ in range(data.draw(st.integers(0, 3))):
        damage(tree, data.draw(st.sampled_from(DATA)), "remove", None)
    try:
        session = msgspec.convert(tree, Receipt)
    except msgspec.ValidationError:
        return
    judgement = judge(session, Policy(strict=True))
    assert judgement.verdict not in PASSING
    assert judgement.exit_code is not ExitCode.OK


@pytest.mark.parametrize("lost", [0, 3, 6])
def test_a_lost_block_of_the_screen_passes_nothing(lost):
    for suite in ("blocks", "load_blocks"):
        session = msgspec.convert(WHOLE, Receipt)
        session.blocks = [one for one in session.blocks if one.phase is Phase.SCREEN]
        for one in session.blocks:
            del one.slices["b"]
        session.benchmarks = [mark for mark in session.benchmarks if mark.name != "b"]
        assert judge(session, POLICY).verdict in PASSING
        del getattr(session, suite)[lost]
        assert judge(session, POLICY).verdict is Verdict.INVALID


@settings(deadline=None)
@given(
    started=st.text(max_size=30),
    suites=st.lists(st.text(max_size=5), max_size=3),
    trouble=st.lists(st.text(max_size=5), max_size=2),
    finished=st.booleans(),
    interrupted=st.booleans(),
)
def test_a_receipt_without_data_never_passes(started, suites, trouble, finished, interrupted):
    session = receipt(
        started_at=started, suites=suites, trouble=trouble, finished=finished, interrupted=interrupted
    )
    assert judge(session, POLICY).exit_code is (ExitCode.INTERRUPTED if interrupted else ExitCode.INVALID)
