"""`harness bench`: run the micro-benchmark suite under pytest-benchmark, with one run directory for each variant."""

import argparse
from pathlib import Path

from harness.commands.options.asking import add_build, read_build
from harness.commands.options.reporting import add_no_report, report_files
from harness.commands.options.shared import add_out, add_verbose
from harness.commands.showing import listed as show_listed
from harness.commands.showing import micro as show_micro
from harness.commands.showing.ended import end
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.judge import policy_file
from harness.work import micro_runs
from harness.work.command_line import command_line
from harness.work.listed import listed_bench
from harness.work.suites import find_suite, suite_text

_CODES = "Exit codes: 0 all benchmarks measured, 2 no suite or no benchmark matches SELECT, 5 a benchmark failed or has no times, 130 interrupted."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = _CODES
    parser.add_argument(
        "select",
        nargs="*",
        metavar="SELECT",
        help="a benchmark's name, a part of it, or a glob (default: all of 'harness list')",
    )
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="V",
        help="variant of the asset core to measure; may be given several times",
    )
    show_listed.add_dry_run(parser)
    add_build(parser)
    add_out(parser, "run directories")
    add_no_report(parser)
    add_verbose(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    folder = Path.cwd()
    policy = policy_file.read(folder)
    suite = find_suite(folder, policy)
    request = micro_runs.BenchRequest(
        suite=suite,
        suite_text=suite_text(suite),
        variants=micro_runs.variants_of(suite, args.variant),
        words=tuple(args.select),
        out=args.out,
        command=command_line(),
        policy=policy,
        build=read_build(args, folder),
    )
    if args.dry_run:
        return show_listed.present(listed_bench(request, talk), talk)
    work = micro_runs.carry_out(request, talk)
    talk.ended_by = work.error
    code = show_micro.present(work.directories, talk, files=report_files(args), interrupted=work.interrupted)
    return end(work, code, talk)
