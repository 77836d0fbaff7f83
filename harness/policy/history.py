"""`[tool.harness.history]`: where the ledger of a project is, from which state growth counts, and how much of it is allowed.

These are settings of the ledger, not of the gate: they are not part of the policy, whose digest receipts hold.
"""

import enum

import msgspec

from harness.policy.policy import Percent, Words

FOLDER = "performance-history"


class Machines(enum.StrEnum):
    """The way in which effects from several machines make courses."""

    APART = "apart"
    """Each machine has its own course: effects of one machine are never added to those of another."""
    TOGETHER = "together"
    """All effects make one course: for a fleet whose jobs run on any of several kinds of machine."""


class Renamed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A benchmark with a new name: its older effects are under the name `from`."""

    old: Words = msgspec.field(name="from")
    new: Words = msgspec.field(name="to")


class HistoryRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """The whole table. `folder` is relative to the folder of `pyproject.toml`."""

    folder: Words = FOLDER
    reference: Words | None = None
    """Revision from which growth counts; None for the first state in the ledger."""
    allow_percent: Percent = 5.0
    """Growth since the reference above which `harness history check` fails."""
    machines: Machines = Machines.APART
    renamed: tuple[Renamed, ...] = ()

    def current_name(self, benchmark: str) -> str:
        """Return the current name of a benchmark that was renamed, once or several times."""
        names = {one.old: one.new for one in self.renamed}
        seen = set()
        while benchmark in names and benchmark not in seen:
            seen.add(benchmark)
            benchmark = names[benchmark]
        return benchmark
