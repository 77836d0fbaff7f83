"""Options that commands share, and the types of their values."""

import argparse
from collections.abc import Collection

from harness.errors import UsageError
from harness.profiles.capture.budget import BUDGET
from harness.reading.limits import read_limit
from harness.units import parse_duration_s


def positive_rate(text: str) -> float:
    """Return a rate per second above zero."""
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text}' is not a rate: give calls per second above zero")
    return rate


def positive_int(text: str) -> int:
    """Return a whole number of at least one."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1 to 100000")
    return int(text)


def span_s(text: str) -> float:
    """Return the seconds of a duration such as 10s."""
    try:
        return parse_duration_s(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def slo(text: str) -> str:
    """Return the text of a limit, which must be one."""
    try:
        read_limit(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def budget_share(text: str) -> float:
    """Return a share of the time, written as a percentage such as 2%."""
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = 0.0
    if not text.endswith("%") or not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no part of the time: give a percentage such as 2%")
    return share


def seed(text: str) -> int:
    """Return a seed: a whole number from 0 on."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"'{text}' is not a seed: give a whole number from 0 on")
    return int(text)


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Declare `--seed`."""
    parser.add_argument("--seed", type=seed, default=1, metavar="N", help="of plan and events (default 1)")


def add_subprocesses(parser: argparse.ArgumentParser) -> None:
    """Declare `--subprocesses`."""
    parser.add_argument(
        "--subprocesses", action="store_true",
        help="profile child processes of the target too: the CPU of Python programs, the allocations of forks",
    )  # fmt: skip


def check_subprocesses(args: argparse.Namespace, kinds: Collection[str], remedy: str) -> None:
    """Raise `UsageError` where `--subprocesses` is given and none of `kinds` is a profile that can have them."""
    if args.subprocesses and not {"cpu", "memory"}.intersection(kinds):
        raise UsageError("--subprocesses is for profiles of CPU and memory, and none is made", remedy=remedy)


def add_overhead_budget(parser: argparse.ArgumentParser) -> None:
    """Declare `--overhead-budget`."""
    parser.add_argument(
        "--overhead-budget", type=budget_share, default=BUDGET, metavar="P",
        help="what sampling the CPU may cost, as a part of the time: it is measured, and the rate follows (default 2%%)",
    )  # fmt: skip
