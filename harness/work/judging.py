"""Judge a session under its policy: one measured now, or a stored one again."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness.console.console import Talk
from harness.errors import UsageError
from harness.judge import policy_file
from harness.judge.alike import require_alike
from harness.judge.judge import judge
from harness.judge.merging import judge_together, merged_receipt
from harness.judge.verdict import Judgement
from harness.policy.policy import Policy
from harness.redaction.visible import typed
from harness.session import receipt_file
from harness.session.receipt import Receipt
from harness.work.command_line import command_line
from harness.work.comparison import ComparisonRequest
from harness.work.session_folder import SessionFolder
from harness.work.sessions import Session, carry_out


@dataclasses.dataclass(frozen=True, slots=True)
class JudgedSession:
    """A session record (receipt), its path, and the judgement under `policy`.

    Several records judged together are one `receipt` here; their paths are `receipt_path` and `others`, and `folder`
    is the place of what is written about them.
    """

    receipt: Receipt
    receipt_path: Path
    policy: Policy
    judgement: Judgement
    others: tuple[Path, ...] = ()
    folder: Path | None = None

    @property
    def place(self) -> Path:
        """The folder of the report, the comment and the JUnit file."""
        return self.folder or self.receipt_path.parent

    @property
    def receipts(self) -> tuple[Path, ...]:
        """The paths of all records."""
        return self.receipt_path, *self.others


def compare(request: ComparisonRequest, talk: Talk) -> JudgedSession:
    """Measure both sides and judge. Raises as `sessions.carry_out`, and `UsageError` for a policy that cannot judge this."""
    policy_file.refuse_expired(request.policy, _today())
    session = carry_out(request, talk)
    _check_policy(request.policy, session)
    return _judged(session.receipt, session.folder.receipt_path, request.policy)


def judge_again(places: Sequence[Path], policy: Path | None, *, strict: bool, out: Path) -> JudgedSession:
    """Judge stored session records, or those in the folders `places`, under the policy of a file or under their own.

    Several, or a shard, are judged together; a folder for the answer is made below `out`. Raises `UsageError` for records that do not
    belong together, before anything is written.
    """
    paths = [place / receipt_file.NAME if place.is_dir() else place for place in places]
    receipts = [receipt_file.read_receipt(path) for path in paths]
    require_alike(receipts, [str(path) for path in paths], same_policy=policy is None)
    found = stricter(_policy(policy, receipts[0]), strict=strict)
    receipt = merged_receipt(receipts, command_line())
    is_merged = receipt is not receipts[0]
    if policy is not None or is_merged:
        policy_file.check(found, receipt, _today())
    judgement = judge_together(receipts, found)
    folder = None
    if is_merged:
        made = SessionFolder(out, "judge")
        made.finish()
        folder = made.path
    return JudgedSession(receipt, paths[0], found, judgement, tuple(paths[1:]), folder)


def stricter(policy: Policy, *, strict: bool) -> Policy:
    """Return the policy, made strict if it or the caller is."""
    return msgspec.structs.replace(policy, strict=policy.strict or strict)


def _judged(receipt: Receipt, path: Path, policy: Policy) -> JudgedSession:
    return JudgedSession(receipt, path, policy, judge(receipt, policy))


def _policy(path: Path | None, receipt: Receipt) -> Policy:
    if path is None:
        return policy_file.from_table(receipt.policy, where="the receipt's policy")
    return policy_file.read(path)


def _check_policy(policy: Policy, session: Session) -> None:
    """Refuse a policy without rules for anything that was measured: it would pass without a check."""
    try:
        policy_file.check(policy, session.receipt, _today())
    except UsageError as error:
        again = typed("harness", "judge", str(session.folder.receipt_path), "--policy", "pyproject.toml")
        raise UsageError(
            error.what,
            where=error.where,
            remedy=f"{error.remedy}. The measurements are kept; then judge them: {again}",
        ) from error


def _today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()
