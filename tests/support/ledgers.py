"""Ledgers and session records of simulated sessions between commits of no repository."""

import datetime as dt
import math

import msgspec

from harness.history import ledger
from harness.history.entry import Entry, Evidence, Link, Machine, State
from harness.session.receipt import MeasuredRoot, SubjectFacts
from harness.session.receipt_file import write_receipt
from tests.support.judge import POLICY, simulated

BOX = {"cpu": "Example CPU", "cores": 2, "python": "CPython 3.11.2"}
MACHINE = Machine(cpu="Example CPU", cores=2, python="CPython 3.11")


def commit(number):
    """The id of a made-up commit."""
    return f"{number + 1:040x}"


def stored(folder, number, changes, *, base=None, seed=None, policy=POLICY, environment=BOX, **options):
    """Store the record of a simulated session of commit `number` against the one before it, or `base`; return its place."""
    sides = {
        name: SubjectFacts(spec=f"git:{one}", label=one[:12], revision=one)
        for name, one in (
            ("base", commit(number - 1 if base is None else base)),
            ("candidate", commit(number)),
        )
    }
    seed = number if seed is None else seed
    receipt = simulated(changes, policy, seed=seed, **options)
    place = folder / f"session-{number}-{seed}" / "receipt.json"
    place.parent.mkdir(parents=True)
    day = f"2026-11-{1 + number % 28:02d}T12:00:00+00:00"
    receipt = msgspec.structs.replace(
        receipt, **sides, policy=msgspec.to_builtins(policy), environment=environment, started_at=day,
        measured=[MeasuredRoot(name="shop", base="shop", candidate="shop")],
    )  # fmt: skip
    write_receipt(place, receipt)
    return place


def state(number, code=None):
    made = dt.datetime(2026, 11, 1, tzinfo=dt.UTC) + dt.timedelta(days=number)
    return State(commit=commit(number), code=code, committed=made.isoformat(timespec="seconds"))


def entry(number, effect, *, base=None, **fields):
    """A line of commit `number` against the one before it, or `base`."""
    return Entry(
        **{
            "session": f"{number}-{base}-{fields.get('benchmark', 'a')}", "day": "2026-11-22", "machine": MACHINE,
            "base": state(number - 1 if base is None else base), "candidate": state(number), "benchmark": "test_a.py::a",
            "metric": "wall", "effect": effect, "spread": 0.01, "blocks": 16, "verdict": "ok", "margin": 0.025,
        }
        | fields
    )  # fmt: skip


def exact(number, before, after, **fields):
    """A line with counts."""
    effect = math.log(after / before) if before and after else None
    return entry(
        number, effect, **{"metric": "calls.db", "kind": Evidence.EXACT, "unit": "per request", "spread": 1e-6, "blocks": 0,
        "base_value": before, "value": after, "margin": None} | fields,
    )  # fmt: skip


def anchor(number, effect, base=0, **fields):
    return entry(number, effect, base=base, link=Link.ANCHOR, **fields)


def write(folder, *entries):
    ledger.extend(folder, entries)
    return folder
