"""Make the lines of a ledger from a session record and its judgement."""

import hashlib
import math
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.errors import UsageError
from harness.exact.metrics import INSTRUCTIONS
from harness.history import states
from harness.history.entry import Entry, Evidence, Link, Machine, State
from harness.history.location import location, spread
from harness.judge.metrics import LOAD_METRICS
from harness.judge.verdict import Comparison, Judgement, Kind, Verdict
from harness.session.receipt import Receipt, SessionPlan

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)
_CHANGED = "+changes"
_EXACT_SPREAD = 1e-6
"""Least spread of a count, as a share: the method of least squares needs one."""
_INSTRUCTIONS_SPREAD = 2.5e-4
"""Least spread of a count of instructions: identical code differs by less than twice as much."""
_OF_LOAD = frozenset(metric.name for metric in LOAD_METRICS.values())
_UNUSED = frozenset({Verdict.INVALID, Verdict.REMOVED})


def digest_of(receipt: Receipt) -> str:
    """Return the digest that identifies a session, wherever its record is stored."""
    return hashlib.sha256(msgspec.json.encode(receipt, order="sorted")).hexdigest()[:16]


def machine_of(receipt: Receipt) -> Machine:
    """Return the machine of a session."""
    facts = receipt.environment
    cores = facts.get("cores")
    return Machine(
        cpu=str(facts.get("cpu") or ""),
        cores=cores if isinstance(cores, int) else None,
        python=str(facts.get("python") or "").rpartition(".")[0],
    )


def measured_paths(receipt: Receipt) -> list[str]:
    """Return the paths whose content is the state of the code: the measured roots of either side, and the lock file."""
    roots = [path for root in receipt.measured for path in (root.base, root.candidate) if path]
    lock = receipt.policy.get("lock")
    return sorted({*roots, *([lock] if isinstance(lock, str) else [])})


def sides_of(receipt: Receipt, project: Path) -> tuple[State, State]:
    """Return the states of both sides. Raises `UsageError` for sides that are no commits.

    Changes in a working tree that leave its measured files as they are in the commit do not count.
    """
    paths, found = measured_paths(receipt), []
    for name, side in (("base", receipt.base), ("candidate", receipt.candidate)):
        commit = (side.revision or "").removesuffix(_CHANGED)
        if not _COMMIT.fullmatch(commit):
            raise UsageError(
                f"The session's {name} ({side.label}) is no commit, and a history has commits only",
                remedy="Add sessions of 'harness gate', or of git: sides",
            )
        if (side.revision or "").endswith(_CHANGED) and not (
            paths and states.is_repository(project) and states.is_unchanged(project, commit, paths)
        ):
            raise UsageError(
                f"The session's {name} had changes that are in no commit",
                remedy="Commit them, and gate again; a ledger keeps effects between commits",
            )
        found.append(states.state_of(project, commit, paths))
    return found[0], found[1]


def entries_of(
    receipt: Receipt, judgement: Judgement, sides: tuple[State, State], link: Link = Link.STEP
) -> list[Entry]:
    """Return the lines of a session: its exact counts, and its times unless the checks of the session withhold them."""
    session, machine = digest_of(receipt), machine_of(receipt)
    withheld = bool(judgement.controls.reasons)
    found = []
    for one in judgement.comparisons:
        if not _is_kept(one) or (withheld and one.kind is Kind.PAIRED):
            continue
        changes = first_blocks(one, receipt.plan)
        effect, scatter = _of_count(one) if one.kind is Kind.EXACT else _of_blocks(changes)
        found.append(
            Entry(
                session=session, link=link, day=receipt.started_at[:10], machine=machine, base=sides[0],
                candidate=sides[1], paths=measured_paths(receipt), benchmark=one.benchmark, metric=one.metric, unit=one.unit,
                kind=Evidence(str(one.kind)), effect=effect, spread=scatter, blocks=len(changes),
                base_value=_finite(one.base), value=_finite(one.candidate), verdict=str(one.verdict), margin=one.margin,
            )
        )  # fmt: skip
    return found


def withheld(judgement: Judgement) -> str:
    """Return why the times of a session are not added; empty if they are."""
    return next(iter(judgement.controls.reasons), "")


def first_blocks(one: Comparison, plan: SessionPlan) -> tuple[float, ...]:
    """Return the changes of the first blocks of a comparison, as logarithms: as many as every such session makes."""
    if one.kind is not Kind.PAIRED:
        return ()
    screened = one.screened or one.changes
    count = plan.load_blocks if one.metric in _OF_LOAD else plan.blocks_before_deciding
    return tuple(math.log1p(change) for change in screened[:count] if change > -1)


def _is_kept(one: Comparison) -> bool:
    if one.kind is Kind.LIMIT or one.unit == "share" or one.watched or one.verdict in _UNUSED:
        return False
    return one.verdict is Verdict.NEW or one.change is not None or one.candidate is not None


def _of_blocks(changes: Sequence[float]) -> tuple[float | None, float]:
    return (location(changes), spread(changes)) if changes else (None, 0.0)


def _of_count(one: Comparison) -> tuple[float | None, float]:
    """Return the effect of an exact metric and half of its range; no effect where either side counts nothing."""
    if not one.base or not one.candidate or one.base < 0 or one.candidate < 0:
        return None, 0.0
    least = _INSTRUCTIONS_SPREAD if one.metric == INSTRUCTIONS else _EXACT_SPREAD
    if one.low is None or one.high is None or one.low <= -1:
        return math.log(one.candidate / one.base), least
    return math.log(one.candidate / one.base), max(least, (math.log1p(one.high) - math.log1p(one.low)) / 2)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
