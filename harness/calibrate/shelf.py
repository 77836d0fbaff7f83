"""Where cards are kept: a file is the card of one machine, a folder holds a file for each."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.calibrate.card import read_card, same_machine
from harness.errors import UsageError

SUFFIX = ".json"


def card_file(place: Path, environment: Mapping[str, Any]) -> Path:
    """Return the file of the card of the machine that `environment` describes; it need not be there yet.

    A place that ends in `.json` is that file, and any other a folder: there it is the file that speaks for the machine, or
    else a new one, called after the CPU. Raises `InvalidRunError` for a card in the folder that cannot be read.
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
