"""`harness bisect`: find the commit that changed a benchmark."""

import argparse
from pathlib import Path

from harness.commands.options.shared import (
    add_backends,
    add_budget_and_policy,
    add_out,
    add_seed,
    span_s,
)
from harness.commands.showing import bisect as show
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.judge import policy_file
from harness.supervise import termination_as_exception
from harness.work.bisecting import Bisection, BisectRequest
from harness.work.comparison import suites_of
from harness.work.probes import Prober

SUITES = ("micro", "exact", "instructions", "load")
EPILOG = (
    "The ends are compared first. Then single commits are compared with BAD, in two blocks each, which run BAD's benchmark; a "
    "probability is kept for every commit, and the search ends at 99 %. Commits that cannot be measured are skipped and named. "
    "Ctrl-C keeps the measurements: the same command continues. The checkout is not touched."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("good", metavar="GOOD", help="the earlier revision, without the change")
    parser.add_argument("bad", metavar="BAD", help="the later revision, with it")
    parser.add_argument(
        "--benchmark", required=True, metavar="SELECT",
        help="a benchmark's name, a part of it, or a glob; of several, the one that changed most between the ends",
    )  # fmt: skip
    parser.add_argument(
        "--metric",
        metavar="M",
        help="the metric to follow (default: wall; of counts and load, the one that changed most)",
    )
    parser.add_argument("--suite", choices=SUITES, default="micro", help="what to measure (default micro)")
    add_budget_and_policy(parser, "search")
    parser.add_argument("--scenario", metavar="NAME", help="scenario of the load suite")
    parser.add_argument(
        "--segment",
        type=span_s,
        default=4.0,
        metavar="D",
        help="measured time of one load segment (default 4s)",
    )
    add_backends(parser, "stores of the load suite")
    add_out(parser, "search's folder")
    add_seed(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    project = Path.cwd()
    policy = policy_file.read(args.policy or project)
    suites_of(args.suite, policy, has_target=policy.target is not None)
    prober = Prober(
        project.resolve(),
        policy,
        args.suite,
        args.metric,
        args.seed,
        args.scenario,
        args.backends,
        args.segment,
        policy_file.build(args.policy or project),
    )
    bisection = Bisection(
        BisectRequest(args.good, args.bad, args.benchmark, prober, args.out, args.budget), talk
    )
    with termination_as_exception():
        answer = bisection.run()
    return show.present(answer, bisection.path, talk)
