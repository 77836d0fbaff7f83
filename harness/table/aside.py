"""Tell the calls of the measured time from those that a run makes beside it: at the start and at the end of its users.

The byte `aside` of a row is one of `Aside`, with `NO_TIME` added for a call whose time nobody told. Only rows of
`Aside.NOT` from time zero on are in the results of a run.
"""

import enum

import numpy as np
import numpy.typing as npt

from harness.table.calls import Table

NO_TIME = 0x80
"""Flag of a call that is counted, but has no time: it is in no percentile."""
_WHICH = 0x7F


class Aside(enum.IntEnum):
    """The part of a user's life in which it made a call; the number stands in the table."""

    NOT = 0
    ON_START = 1
    ON_STOP = 2
    AFTER_END = 3
    RAMP_UP = 4
    """In a process that was told a moment later than others that all users are started."""

    @property
    def label(self) -> str:
        """Name in reports and JSON; a call of the warm-up that is not aside is one of the ramp-up too."""
        return ("ramp-up", "on_start", "on_stop", "after the end", "ramp-up")[self]


def is_measured(table: Table) -> npt.NDArray[np.bool_]:
    """Return for each row whether its call is in the results of the run."""
    measured: npt.NDArray[np.bool_] = (table["intended_ns"] >= 0) & (table["aside"] & _WHICH == Aside.NOT)
    return measured


def is_of(table: Table, aside: Aside) -> npt.NDArray[np.bool_]:
    """Return for each row whether it was made in this part of a user's life."""
    of: npt.NDArray[np.bool_] = table["aside"] & _WHICH == aside
    return of


def has_time(table: Table) -> npt.NDArray[np.bool_]:
    """Return for each row whether the time of its call is known, once it has returned."""
    known: npt.NDArray[np.bool_] = table["aside"] & NO_TIME == 0
    return known
