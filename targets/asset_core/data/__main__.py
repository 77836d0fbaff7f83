"""Check an own inventory, or write a generated one as JSON Lines: `python -m targets.asset_core.data`."""

import argparse
import os
import sys
from pathlib import Path

import msgspec

from targets.asset_core.data.generator import SIZES, Inventory
from targets.asset_core.data.importing import count_parts
from targets.asset_core.data.rows import row_of
from targets.asset_core.errors import DataError


def main() -> int:
    """Execute the command line; return 0, or 2 if the data cannot be used."""
    arguments = _make_parser().parse_args()
    try:
        if arguments.command == "check":
            _check(arguments.file)
        else:
            _generate(arguments.size, arguments.seed)
        sys.stdout.flush()
    except DataError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except BrokenPipeError:
        # The reader has closed the pipe: keep the interpreter from failing on its last flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m targets.asset_core.data", description="Inventories of assets."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser(
        "check", help="say whether a file can be used, and what is wrong with each line"
    )
    check.add_argument("file", type=Path, help="an inventory as .jsonl or .csv")
    generate = commands.add_parser("generate", help="write an inventory to standard output, as JSON Lines")
    generate.add_argument("size", choices=SIZES)
    generate.add_argument("--seed", type=int, default=1)
    return parser


def _check(path: Path) -> None:
    counts = count_parts(path)
    sys.stdout.write(f"{path}: {', '.join(f'{count:,} {name}' for name, count in counts.items())}\n")


def _generate(size: str, seed: int) -> None:
    encode = msgspec.json.Encoder().encode
    for bundle in Inventory(size, seed):
        sys.stdout.buffer.write(encode(row_of(bundle)) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
