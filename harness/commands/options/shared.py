"""Declare the options that commands share, and parse their values."""

import argparse
from collections.abc import Callable, Collection
from pathlib import Path

from harness.errors import UsageError
from harness.model import Engine
from harness.profiles.capture.budget import BUDGET
from harness.reading.limits import check_limit, read_limit
from harness.session.receipt import Shard
from harness.target.spec import RESERVED, SERVE
from harness.units import parse_duration_s

SPEC_FORMS = (
    "PLACE of a factory, or call:, wsgi:, asgi: or lambda: before the PLACE of an application; PLACE is module:name or "
    "file.py:name, with ?key=value&… after it; or the URL of a server; or a name from 'harness list'"
)


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
    """Return the text of a limit on calls unchanged, after checking that it parses."""
    return _checked(text, read_limit)


def run_slo(text: str) -> str:
    """Return the text of a limit on calls or growth unchanged, after checking that it parses."""
    return _checked(text, check_limit)


def _checked(text: str, check: Callable[[str], object]) -> str:
    try:
        check(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def budget_share(text: str) -> float:
    """Return a percentage such as 2% as a share of the time."""
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = 0.0
    if not text.endswith("%") or not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share of the time: give a percentage such as 2%")
    return share


def shard(text: str) -> Shard:
    """Return the shard of a text such as 2/8: the second of eight."""
    number, _, count = text.partition("/")
    parts = [
        int(part) if part.isascii() and part.isdigit() and len(part) < 5 else 0 for part in (number, count)
    ]
    if not 1 <= parts[0] <= parts[1]:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a shard: give its number and their count, such as 2/8"
        )
    return Shard(number=parts[0], count=parts[1])


def seed(text: str) -> int:
    """Return a seed: a whole number from 0."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"'{text}' is not a seed: give a whole number from 0")
    return int(text)


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Declare `--seed`."""
    parser.add_argument(
        "--seed", type=seed, default=1, metavar="N", help="seed of the plan and the events (default 1)"
    )


def add_target(parser: argparse.ArgumentParser) -> None:
    """Declare `--target` and `--serve`."""
    parser.add_argument("--target", metavar="SPEC", help=SPEC_FORMS)
    add_serve(parser)
    add_requests(parser)


def add_serve(parser: argparse.ArgumentParser) -> None:
    """Declare `--serve`."""
    parser.add_argument(
        "--serve", metavar="NAME",
        help="start the server of [tool.harness.servers.NAME] and measure it: the same as the target serve:NAME",
    )  # fmt: skip


def target_of(args: argparse.Namespace) -> str | None:
    """Return the SPEC of `--target` or `--serve`. Raises `UsageError` for both."""
    target: str | None = getattr(args, "target", None)
    if args.serve is None:
        return target
    if target is not None:
        raise UsageError("--serve and --target name two targets", remedy="Give one of them")
    return f"{SERVE}:{args.serve}"


def add_requests(parser: argparse.ArgumentParser) -> None:
    """Declare the options that are parameters of a target of the user's own."""
    parser.add_argument(
        "--requests", metavar="FILE",
        help="requests of an application or a server: JSON Lines, HAR, OpenAPI 3, an access log, or a folder of Lambda events",
    )  # fmt: skip
    parser.add_argument(
        "--values", metavar="FILE", help="CSV with values for the placeholders of the requests"
    )
    parser.add_argument(
        "--engine", choices=[str(one) for one in Engine], help="engine of overlapping calls (default: the one that the target needs)"
    )  # fmt: skip


def requested(args: argparse.Namespace) -> dict[str, str]:
    """Return the parameters that `add_requests` declares, as far as they were given."""
    given = {name: getattr(args, name) for name in RESERVED}
    return {name: str(value) for name, value in given.items() if value}


def add_no_split(parser: argparse.ArgumentParser) -> None:
    """Declare `--no-split`."""
    parser.add_argument(
        "--no-split",
        action="store_true",
        help="do not split service time into CPU, event loop blocked and I/O wait",
    )


def add_out(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare `--out`, the parent of `what` the command makes."""
    parser.add_argument(
        "--out", type=Path, default=Path("runs"), metavar="DIR", help=f"parent of the {what} (default runs)"
    )


def add_budget_and_policy(parser: argparse.ArgumentParser, what: str) -> None:
    """Declare `--budget`, the longest time that `what` may take, and `--policy`."""
    parser.add_argument(
        "--budget", type=span_s, metavar="D", help=f"longest time the {what} may take: 5m, 1h"
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE",
        help="read the policy from this file (default: [tool.harness] in pyproject.toml)",
    )  # fmt: skip


def add_backends(parser: argparse.ArgumentParser, what: str = "stores of the target") -> None:
    """Declare `--backends`."""
    parser.add_argument(
        "--backends", choices=("embedded", "external", "memory"), default="embedded",
        help=f"{what}: servers that the harness starts, your servers, or memory (default embedded)",
    )  # fmt: skip


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """Declare `--verbose`."""
    parser.add_argument(
        "--verbose", action="store_true", help="print all tables and notes, not only the brief text"
    )


def add_subprocesses(parser: argparse.ArgumentParser) -> None:
    """Declare `--subprocesses`."""
    parser.add_argument(
        "--subprocesses", action="store_true",
        help="also profile child processes of the target: the CPU of Python programs, the allocations of forks",
    )  # fmt: skip


def check_subprocesses(args: argparse.Namespace, kinds: Collection[str], remedy: str) -> None:
    """Raise `UsageError` if `--subprocesses` is given and none of `kinds` can cover child processes."""
    if args.subprocesses and not {"cpu", "memory"}.intersection(kinds):
        raise UsageError(
            "--subprocesses applies to profiles of CPU and memory, and neither is requested", remedy=remedy
        )


def add_overhead_budget(parser: argparse.ArgumentParser) -> None:
    """Declare `--overhead-budget`."""
    parser.add_argument(
        "--overhead-budget", type=budget_share, default=BUDGET, metavar="P",
        help="highest share of the time that CPU sampling may cost; the harness measures the cost and lowers the rate to keep it (default 2%%)",
    )  # fmt: skip
