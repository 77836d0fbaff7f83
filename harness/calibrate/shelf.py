"""Locate calibration cards: a file is the card of one machine, a folder holds a file for each machine."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.calibrate.card import read_card, same_machine
from harness.errors import UsageError

SUFFIX = ".json"


def card_file(place: Path, environment: Mapping[str, Any]) -> Path:
    """Return the card file of the machine that `environment` describes; it may not exist yet.

    A path that ends in `.json` is that file; any other is a folder, in which it is the file that holds for the machine,
    or a new one, named after the CPU. Raises `InvalidRunError` for an unreadable card in the folder.
    """
    if place.suffix == SUFFIX:
        return place
    for path in sorted(place.glob(f"*{SUFFIX}")):
        if same_machine(read_card(path).environment, environment):
            return path
    return next(path for path in _names(place, environment) if not path.exists())


def refuse_another_machine(path: Path, environment: Mapping[str, Any]) -> None:
    """Raise `UsageError` if the card at `path` is of another machine, whose rows would be lost."""
    if not path.exists():
        return
    kept = read_card(path).environment
    if not same_machine(kept, environment):
        raise UsageError(
            f"This is the card of another machine: {kept.get('cpu')}, {kept.get('cores')} cores, {kept.get('kernel')}",
            where=str(path),
            remedy="Name another file with --card, or a folder, which keeps a card for each machine",
        )


def _names(folder: Path, environment: Mapping[str, Any]) -> Iterator[Path]:
    words = f"{environment.get('cpu')} {environment.get('cores')} cores".lower()
    name = re.sub(r"[^a-z0-9]+", "-", words).strip("-")
    yield folder / f"{name}{SUFFIX}"
    number = 2
    while True:
        yield folder / f"{name}-{number}{SUFFIX}"
        number += 1
