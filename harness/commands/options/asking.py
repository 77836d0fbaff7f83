"""Turn the options of `compare`, `gate` and `ablate` into the request of a session."""

import argparse
from pathlib import Path

import msgspec

from harness.commands.options.reporting import add_no_report
from harness.commands.options.shared import (
    add_backends,
    add_budget_and_policy,
    add_out,
    add_requests,
    add_seed,
    add_serve,
    add_verbose,
    positive_int,
    positive_rate,
    requested,
    span_s,
    target_of,
)
from harness.console.console import Talk
from harness.errors import UsageError
from harness.judge import policy_file
from harness.policy.build import Build
from harness.policy.policy import Policy
from harness.session.receipt import Side
from harness.session.sides.subjects import Subject, TreeSide
from harness.units import parse_duration_s
from harness.work.command_line import command_line
from harness.work.comparison import (
    CHOICES,
    LOCUST_USERS,
    ComparisonRequest,
    LocustUsers,
    load_options,
    of_servers,
    refuse_same_server,
    suites_of,
)
from harness.work.judging import stricter
from harness.work.sides import driven_sides, read_side

SEGMENT_S = 4.0


def add_select(parser: argparse.ArgumentParser) -> None:
    """Declare SELECT, the benchmarks to measure."""
    parser.add_argument(
        "select",
        nargs="*",
        metavar="SELECT",
        help="a benchmark's name, a part of it, or a glob (default: all of the suite)",
    )


def add_build(parser: argparse.ArgumentParser) -> None:
    """Declare `--build`."""
    parser.add_argument(
        "--build", metavar="COMMAND",
        help="build the code into {overlay} first, and measure that: 'pip', or a command (default: the policy's `build`)",
    )  # fmt: skip


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options of every command that runs a session."""
    parser.add_argument(
        "--suite",
        choices=CHOICES,
        help="what to measure; exact counts are always included (default: the policy's suites)",
    )
    add_budget_and_policy(parser, "session")
    add_build(parser)
    parser.add_argument("--strict", action="store_true", help="exit with 4 if a result is inconclusive")
    parser.add_argument("--scenario", metavar="NAME", help="scenario of the load suite")
    parser.add_argument(
        "--rate",
        type=positive_rate,
        metavar="R",
        help="target rate of the load suite, in calls per second (default: found by a probe)",
    )
    parser.add_argument(
        "--segment",
        type=span_s,
        default=SEGMENT_S,
        metavar="D",
        help="measured time of one load segment (default 4s)",
    )
    add_serve(parser)
    parser.add_argument(
        "--locustfile", type=Path, metavar="FILE",
        help="drive the servers of --serve by the users of this locustfile, unchanged, with the same seed on both sides",
    )  # fmt: skip
    parser.add_argument(
        "--users", type=positive_int, metavar="N", help="users of the locustfile (default 10)"
    )
    add_requests(parser)
    add_backends(parser, "stores of the load suite")
    add_out(parser, "session's folder")
    add_no_report(parser, "harness judge")
    add_verbose(parser)
    add_seed(parser)


def say_target(request: ComparisonRequest, talk: Talk) -> None:
    """Name the target that both sides of code are driven by: only the project, or `--serve`, names it."""
    if request.driven and isinstance(request.base, TreeSide):
        driven = request.driven[Side.CANDIDATE]
        named = (
            f"started anew for every block: {driven.server.settings.shown}"
            if driven.server
            else "as [tool.harness] in pyproject.toml names it"
        )
        talk.say(f"Target: {driven.spec.shown}, {named}.")


def read_policy(args: argparse.Namespace, project: Path) -> Policy:
    """Return the policy of `--policy` or of the project, strict if `--strict` is given."""
    policy = stricter(policy_file.read(args.policy or project), strict=args.strict)
    if getattr(args, "serve", None) is None:
        return policy
    return msgspec.structs.replace(policy, target=target_of(args))


def read_build(args: argparse.Namespace, project: Path) -> Build | None:
    """Return the command that builds each side: of `--build`, or of the policy; None without one."""
    if args.build is not None:
        return policy_file.build_of(args.build, "--build")
    return policy_file.build(getattr(args, "policy", None) or project)


def _locust(args: argparse.Namespace) -> LocustUsers | None:
    if args.locustfile is None:
        if args.users is not None:
            raise UsageError(
                "--users are those of a locustfile", remedy="Add --locustfile FILE, or remove it"
            )
        return None
    if args.rate is not None or args.scenario is not None:
        raise UsageError(
            "A locustfile has users of its own: --rate and --scenario have no effect",
            remedy="Remove them; --users N sets the number of users",
        )
    return LocustUsers(args.locustfile, args.users or LOCUST_USERS)


def ask(
    args: argparse.Namespace,
    policy: Policy,
    base: str,
    candidate: str,
    project: Path,
    *,
    sides: tuple[Subject, Subject] | None = None,
) -> ComparisonRequest:
    """Return the checked request of a session. `sides`, if given, replace the sides that the texts name.

    Raises `UsageError` for a suite that lacks a target to drive.
    """
    given = requested(args)
    sides = sides or (read_side(base, policy, project, given), read_side(candidate, policy, project, given))
    driven = driven_sides(base, candidate, policy, given)
    is_served = driven is not None and any(one.is_remote for one in driven.values())
    # A server that is named here is to be loaded, whatever the project's gate measures without one.
    named = args.suite or ("load" if args.serve is not None and "load" not in policy.suites else None)
    wanted = suites_of(named, policy, has_target=driven is not None, is_served=is_served)
    if is_served and not isinstance(sides[1], TreeSide):
        wanted = of_servers(wanted, named)
    load = None
    if "load" in wanted:
        refuse_same_server(driven, sides[1])
        load = load_options(
            driven,
            policy,
            args.backends,
            scenario=args.scenario,
            segment_s=args.segment,
            rate_per_s=args.rate,
            locust=_locust(args),
        )
    budget_s = args.budget
    if budget_s is None and policy.budget is not None:
        budget_s = parse_duration_s(policy.budget)
    return ComparisonRequest(
        base=sides[0],
        candidate=sides[1],
        policy=policy,
        suites=wanted,
        seed=args.seed,
        out=args.out,
        command=command_line(),
        name=args.command.name,
        budget_s=budget_s,
        driven=driven,
        load=load,
        select=tuple(getattr(args, "select", ())),
        build=read_build(args, project),
    )
