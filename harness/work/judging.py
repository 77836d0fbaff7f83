"""Judge a session under its policy: one measured now, or a stored one again."""

import dataclasses
import datetime as dt
from pathlib import Path

import msgspec

from harness.console.console import Talk
from harness.errors import UsageError
from harness.judge import policy_file
from harness.judge.judge import judge
from harness.judge.verdict import Judgement
from harness.policy.policy import Policy
from harness.redaction.visible import typed
from harness.session import receipt_file
from harness.session.receipt import Receipt
from harness.work.comparison import ComparisonRequest
from harness.work.sessions import Session, carry_out


@dataclasses.dataclass(frozen=True, slots=True)
class JudgedSession:
    """A session record (receipt), its path, and the judgement under `policy`."""

    receipt: Receipt
    receipt_path: Path
    policy: Policy
    judgement: Judgement


def compare(request: ComparisonRequest, talk: Talk) -> JudgedSession:
    """Measure both sides and judge. Raises as `sessions.carry_out`, and `UsageError` for a policy that cannot judge this."""
    policy_file.refuse_expired(request.policy, _today())
    session = carry_out(request, talk)
    _check_policy(request.policy, session)
    return _judged(session.receipt, session.folder.receipt_path, request.policy)


def judge_again(place: Path, policy: Path | None, *, strict: bool) -> JudgedSession:
    """Judge a stored session record, or that in the folder `place`, under the policy of a file or under its own."""
    path = place / receipt_file.NAME if place.is_dir() else place
    receipt = receipt_file.read_receipt(path)
    found = _policy(policy, receipt)
    found = stricter(found, strict=strict)
    if policy is not None:
        policy_file.check(found, receipt, _today())
    return _judged(receipt, path, found)


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
