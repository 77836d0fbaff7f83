"""Merge the parts of a run: into one table and one set of facts, checked against the workers' reports."""

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from harness.errors import HarnessError, InvalidRunError
from harness.model import Executor, Outcome
from harness.processes.job import Ready
from harness.processes.loadrun import LoadPlan, LoadResult
from harness.processes.measure import Ending
from harness.processes.worker_account import Account, merged, merged_host
from harness.processes.worker_messages import ACCOUNT, Member
from harness.run.directory import RunDirectory, decode, write_document
from harness.run.documents import HostFacts, WorkerFacts
from harness.run.facts import LoadFacts
from harness.storage import files
from harness.table import calls, heldby, shares
from harness.table.histogram import PERCENTILES


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """The known facts of one worker beside its folder; `lost` says how and when it ended abnormally.

    `placed_within_ns` is the largest error of its time zero against that of the whole; None if it is not known.
    """

    member: Member
    host: HostFacts
    lost: str | None = None
    lost_at_s: float | None = None
    placed_within_ns: int | None = 0

    @property
    def folder(self) -> Path:
        """The folder of its table."""
        return Path(self.member.job.folder)


def merge_parts(
    parts: Sequence[Part], plan: LoadPlan, timing: Path, ending: Ending, ready: Ready
) -> LoadResult:
    """Merge the parts into `timing`. A part that cannot be merged becomes trouble in the result and raises nothing."""
    host = merged_host([part.host for part in parts])
    try:
        workers, disagreement = _put_together(parts, plan, timing)
    except HarnessError as error:
        return LoadResult(_with_trouble(ending, str(error)), host, ready)
    return LoadResult(_with_trouble(ending, disagreement), host, ready, workers)


def _put_together(
    parts: Sequence[Part], plan: LoadPlan, timing: Path
) -> tuple[tuple[WorkerFacts, ...], str | None]:
    if plan.scenario.executor is Executor.CLOSED:
        for part in parts:
            # A killed worker has not sealed its table; a table that cannot be sealed is judged when it is read.
            with contextlib.suppress(HarnessError, OSError):
                calls.seal(part.folder / shares.CALLS)
    accounts = [_account(part, plan) for part in parts]
    shares.merge_tables(timing)
    _add_held_by(parts, timing)
    added = merged(accounts)
    if added.facts:
        write_document(timing / RunDirectory.FACTS, added.facts)
    whole = Account.of("all", shares.whole_table(timing), plan.spans, None)
    agree = (added.outcomes, added.counts, added.moments) == (whole.outcomes, whole.counts, whole.moments)
    workers = tuple(
        WorkerFacts(
            name=part.member.name,
            outcomes={outcome.label: account.outcomes[outcome] for outcome in Outcome},
            host=part.host,
            response_ns=_percentiles(account),
            lost=part.lost,
            placed_within_ns=part.placed_within_ns,
            undone_share=_undone_share(part, account, plan, sum(added.outcomes)) if part.lost else 0.0,
        )
        for part, account in zip(parts, accounts, strict=True)
    )
    return workers, None if agree else "The reports of the workers do not add up to their tables of calls"


def _add_held_by(parts: Sequence[Part], timing: Path) -> None:
    """Add up what blocked the loops; nothing where a worker's split was off, or it was lost before it had one."""
    with contextlib.suppress(OSError, ValueError):
        cells = [heldby.read(part.folder / RunDirectory.HELD_BY) for part in parts]
        np.save(timing / RunDirectory.HELD_BY, np.sum(cells, axis=0, dtype=np.int64))


def _account(part: Part, plan: LoadPlan) -> Account:
    """Return the worker's report; a worker lost before reporting is known by its table and first facts."""
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return Account.unpack(files.read_bytes(part.folder / ACCOUNT))
    facts = None
    with contextlib.suppress(InvalidRunError):
        facts = decode(part.folder / RunDirectory.FACTS, LoadFacts)
    return Account.of(part.member.name, calls.load(part.folder / shares.CALLS), plan.spans, facts)


def _percentiles(account: Account) -> dict[str, int | None]:
    response = account.distributions.histogram("response_ns")
    return {name: response.supported_percentile(share) for name, share in PERCENTILES.items()}


def _undone_share(part: Part, account: Account, plan: LoadPlan, planned: int) -> float:
    """Return the share of the whole plan that a lost worker left undone: its calls, or its users' time."""
    if plan.scenario.executor is Executor.OPEN:
        undone = account.outcomes[Outcome.NEVER_STARTED] + account.outcomes[Outcome.UNFINISHED]
        return undone / max(planned, 1)
    lost_at_s = part.lost_at_s if part.lost_at_s is not None else 0.0
    return float(np.clip(1 - lost_at_s / plan.duration_s, 0, 1)) / part.member.workers


def _with_trouble(ending: Ending, trouble: str | None) -> Ending:
    both = [sentence for sentence in (ending.trouble, trouble) if sentence]
    return dataclasses.replace(ending, trouble="; ".join(both) or None)
