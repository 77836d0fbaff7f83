"""`harness judge`: a stored session again, offline."""

import argparse
import datetime as dt
from pathlib import Path

from harness.commands.options.asking import stricter
from harness.commands.publish import add_no_report, report_files
from harness.commands.showing import session as session_show
from harness.commands.stored import reading
from harness.console.console import Talk
from harness.errors import ExitCode
from harness.judge import policy_file
from harness.judge.judge import judge
from harness.policy.policy import Policy
from harness.session import receipt_file
from harness.session.receipt import Receipt


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "receipt", type=Path, metavar="RECEIPT", help="receipt.json, or the folder of a session"
    )
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="judge under this policy (default: the one in the receipt)",
    )
    parser.add_argument("--strict", action="store_true", help="fail (4) on what is inconclusive")
    add_no_report(parser)


def run(args: argparse.Namespace, talk: Talk) -> ExitCode:
    """Carry out the command."""
    with reading([args.receipt]):
        return _judge(args, talk)


def _judge(args: argparse.Namespace, talk: Talk) -> ExitCode:
    path = args.receipt / receipt_file.NAME if args.receipt.is_dir() else args.receipt
    receipt = receipt_file.read_receipt(path)
    policy = stricter(_policy(args.policy, receipt), strict=args.strict)
    if args.policy is not None:
        policy_file.check(policy, receipt, dt.datetime.now(dt.UTC).date())
    return session_show.present(
        judge(receipt, policy),
        receipt,
        path,
        talk,
        policy=policy,
        project=Path.cwd(),
        files=report_files(args),
    )


def _policy(path: Path | None, receipt: Receipt) -> Policy:
    if path is None:
        return policy_file.from_table(receipt.policy, where="the receipt's policy")
    return policy_file.read(path)
