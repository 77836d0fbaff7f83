"""One line of a ledger: the effect between two states of the code, in one metric of one benchmark, from one session.

Schema history: 1, the first.
"""

import enum
from typing import Annotated

import msgspec

SCHEMA = 1
_LARGEST_EFFECT = 50.0
"""Largest plausible logarithm of a ratio."""
Text = Annotated[str, msgspec.Meta(max_length=2_000)]
Commit = Annotated[str, msgspec.Meta(min_length=7, max_length=64, pattern="^[0-9a-f]+$")]
Effect = Annotated[float, msgspec.Meta(ge=-_LARGEST_EFFECT, le=_LARGEST_EFFECT)]


class Link(enum.StrEnum):
    """The purpose of a measurement."""

    STEP = "step"
    """A change against the state that it was made from."""
    ANCHOR = "anchor"
    """A state against the reference, which ties the chain."""


class Evidence(enum.StrEnum):
    """The kind of evidence for an effect."""

    PAIRED = "paired"
    EXACT = "exact"


class Machine(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """The facts by which machines are told apart."""

    cpu: Text = ""
    cores: int | None = None
    python: Text = ""
    """Implementation and minor version, such as `CPython 3.11`."""

    @property
    def label(self) -> str:
        """Displayed name."""
        cores = f"{self.cores} cores" if self.cores else ""
        return ", ".join(filter(None, (self.cpu, cores, self.python))) or "unknown machine"


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A commit, the digest of its measured code (None if git could not tell it), and when it was made (ISO 8601, UTC)."""

    commit: Commit
    code: Text | None = None
    committed: Text | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `effect` is the logarithm of candidate over base; None where it has none, as for a new benchmark.

    `spread` is the standard deviation of the effect between `blocks`; of an exact metric it is half the range.
    """

    schema: int = SCHEMA
    session: Text
    """Digest of the session record: lines of one session are the same wherever they are added."""
    link: Link = Link.STEP
    day: Text
    machine: Machine
    base: State
    candidate: State
    paths: list[Text] = []
    """The paths whose content is the code of a state."""
    benchmark: Text
    metric: Text
    unit: Text = "ns"
    kind: Evidence = Evidence.PAIRED
    effect: Effect | None = None
    spread: Annotated[float, msgspec.Meta(ge=0, le=_LARGEST_EFFECT)] = 0.0
    blocks: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    base_value: float | None = None
    value: float | None = None
    verdict: Text = ""
    margin: float | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Identity of the line in a ledger."""
        return self.session, self.benchmark, self.metric
