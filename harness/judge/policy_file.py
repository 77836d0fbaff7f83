"""Read the policy, and refuse one with settings that have no effect.

A policy is `[tool.harness]` of a `pyproject.toml`, or a TOML file that holds nothing else. Keys are spelt with
hyphens (`margin-percent`); underscores are accepted too. Every refusal is a `UsageError` that names the setting.
"""

import datetime as dt
import difflib
import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.exact.metrics import COSTS, FAILURES
from harness.policy.build import Build, read_build
from harness.policy.history import HistoryRules
from harness.policy.policy import (
    EXACT_MARGINS_PERCENT,
    Acceptance,
    BenchmarkRule,
    Limit,
    Policy,
    ValidityRules,
    fits,
)
from harness.policy.servers import ServerSettings, read_servers
from harness.policy.slo import parse
from harness.policy.thresholds import Thresholds
from harness.session.receipt import NULL_CONTROL, Receipt, Rule, SessionPlan
from harness.stats.sequential import e_value
from harness.storage import files
from harness.target.answers import EXPECT_STATUS, read_expected
from harness.target.spec import RESERVED
from harness.units import parse_duration_s, significant

SUITES = ("micro", "exact", "load", "instructions")
_FILE = "pyproject.toml"
_VALIDITY = "validity"
_SERVERS = "servers"
_BUILD = "build"
_HISTORY = "history"
_BESIDE = (_VALIDITY, _SERVERS, _HISTORY, EXPECT_STATUS, _BUILD, *RESERVED)
"""Settings of measuring, not of judging: they are not part of the policy, whose digest receipts hold."""
_TABLES: Mapping[str, type[msgspec.Struct]] = {
    "benchmarks": BenchmarkRule,
    "limits": Limit,
    "accepted": Acceptance,
}
_OF_MICRO = ("wall", "cpu_mean", "wall_mean", "first_call", "first_call_cpu")
_OF_IMPORT = ("cold_start", "cold_start_cpu")
_OF_PROCESS = ("idle_cpu", "fixed_loop")
_OF_LOAD = ("throughput", "p50", "p95", "p99", "errors", "cold_start")
_PAIRED = tuple(dict.fromkeys((*_OF_MICRO, *_OF_IMPORT, *_OF_PROCESS, *_OF_LOAD)))
_WITH_MARGIN = (*_PAIRED, *EXACT_MARGINS_PERCENT)
_COUNTED = (*EXACT_MARGINS_PERCENT, FAILURES, *(f"{cost}.place" for cost in COSTS))
"""All counted metrics, and their variants by place."""


def read(path: Path) -> Policy:
    """Return the policy of a file, or of the `pyproject.toml` in a folder; the default policy where none is declared."""
    file = path / _FILE if path.is_dir() else path
    if path.is_dir() and not file.exists():
        return Policy()
    return from_table(_table(file), where=str(file))


def from_table(table: Mapping[str, Any], *, where: str) -> Policy:
    """Return the policy of a TOML table; every complaint names `where`."""
    spelt = _spelt(table)
    _thresholds(spelt.pop(_VALIDITY, {}), where)
    if spelt.pop(_SERVERS, None) is not None:
        read_servers(table[_SERVERS], where)
    _history(spelt.pop(_HISTORY, {}), where)
    _expected_statuses(spelt.pop(EXPECT_STATUS, []), where)
    build_of(spelt.pop(_BUILD, None), where)
    for name in _reserved(spelt, where):
        del spelt[name]
    _refuse_unknown(spelt, Policy, "", where, also=_BESIDE)
    for name, kind in _TABLES.items():
        rows = spelt.get(name, [])
        for place, row in enumerate(rows if isinstance(rows, list) else []):
            if isinstance(row, dict):
                _refuse_unknown(row, kind, f"{name}[{place}].", where)
    try:
        policy = msgspec.convert(spelt, Policy)
    except msgspec.ValidationError as error:
        raise UsageError(f"The policy is not valid: {_plain(str(error))}", where=where) from error
    _refuse_senseless(policy, where)
    return policy


def thresholds(folder: Path) -> Thresholds | None:
    """Return the limits in `[tool.harness.validity]` of the folder's `pyproject.toml`; None without such a table."""
    file = folder / _FILE
    declared = _spelt(_table(file)).get(_VALIDITY) if file.exists() else None
    return None if declared is None else _thresholds(declared, str(file))


def history(folder: Path) -> HistoryRules:
    """Return the settings in `[tool.harness.history]` of the folder's `pyproject.toml`, or the default ones."""
    file = folder / _FILE
    spelt = _spelt(_table(file)) if file.exists() else {}
    return _history(spelt.get(_HISTORY, {}), str(file))


def parameters(folder: Path) -> dict[str, str]:
    """Return the settings in the folder's `pyproject.toml` that are parameters of SPECs: expected statuses, requests, engine."""
    file = folder / _FILE
    spelt = _spelt(_table(file)) if file.exists() else {}
    expected = _expected_statuses(spelt.get(EXPECT_STATUS, []), str(file))
    return {**({EXPECT_STATUS: expected} if expected else {}), **_reserved(spelt, str(file))}


def servers(folder: Path) -> dict[str, ServerSettings]:
    """Return the servers in `[tool.harness.servers]` of the folder's `pyproject.toml`, by name."""
    file = folder / _FILE
    return read_servers(_table(file).get(_SERVERS, {}), str(file)) if file.exists() else {}


def build(path: Path) -> Build | None:
    """Return the command that builds a side, of a policy file or the `pyproject.toml` in a folder; None without one."""
    file = path / _FILE if path.is_dir() else path
    return build_of(_spelt(_table(file)).get(_BUILD), str(file)) if file.exists() else None


def build_of(declared: Any, where: str) -> Build | None:
    """Return the command of a setting or an option. Raises `UsageError`, which names `where`, for one that builds nothing."""
    try:
        return None if declared is None else read_build(declared)
    except ValueError as error:
        raise UsageError(
            f"The build command cannot be used: {error}",
            where=where,
            remedy='Write build = "pip", or a command such as "pip install --no-deps --target {overlay} {tree}"',
        ) from error


def target(folder: Path) -> str:
    """Return `target` in the folder's `pyproject.toml`; empty without one."""
    return read(folder).target or ""


def _reserved(spelt: Mapping[str, Any], where: str) -> dict[str, str]:
    found = {name: spelt[name] for name in RESERVED if name in spelt}
    for name, value in found.items():
        if not isinstance(value, str) or not value:
            raise UsageError(f"The policy's {name} is not a text", where=where, remedy=f'Write {name} = "…"')
    return found


def _expected_statuses(declared: Any, where: str) -> str:
    try:
        read_expected(declared)
    except ValueError as error:
        raise UsageError(
            f"The policy's {EXPECT_STATUS} cannot be read: {error}",
            where=where,
            remedy=f'Write {EXPECT_STATUS} = ["200-399", 404]',
        ) from error
    return ",".join(map(str, declared)) if isinstance(declared, list) else str(declared)


def _thresholds(declared: Any, where: str) -> Thresholds:
    if not isinstance(declared, dict):
        raise UsageError("[tool.harness.validity] is not a table", where=where)
    _refuse_unknown(declared, ValidityRules, f"{_VALIDITY}.", where)
    try:
        return msgspec.convert(declared, ValidityRules).thresholds()
    except (msgspec.ValidationError, ValueError) as error:
        raise UsageError(f"The validity limits are not valid: {_plain(str(error))}", where=where) from error


def _history(declared: Any, where: str) -> HistoryRules:
    if not isinstance(declared, dict):
        raise UsageError("[tool.harness.history] is not a table", where=where)
    _refuse_unknown(declared, HistoryRules, f"{_HISTORY}.", where)
    try:
        return msgspec.convert(declared, HistoryRules)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"The settings of the history are not valid: {_plain(str(error))}", where=where
        ) from error


def sha256(policy: Policy) -> str:
    """Return the digest of the whole policy."""
    return hashlib.sha256(msgspec.json.encode(msgspec.to_builtins(policy), order="sorted")).hexdigest()


def refuse_expired(policy: Policy, today: dt.date) -> None:
    """Raise `UsageError` for the first acceptance that has expired."""
    for acceptance in policy.accepted:
        if acceptance.expires < today:
            raise UsageError(
                f"The accepted regression of '{acceptance.match}' ({acceptance.reason}) expired on {acceptance.expires}",
                remedy="Remove it, or decide again and set a new day",
            )


def check(policy: Policy, receipt: Receipt, today: dt.date) -> None:
    """Raise `UsageError` for an expired acceptance, or a glob that matches nothing in the session.

    Globs are checked only if the receipt holds every suite of the policy: some of them may concern a suite that was
    not requested, or the share of another shard.
    """
    refuse_expired(policy, today)
    is_whole = receipt.shard is None and receipt.finished and not receipt.select
    if is_whole and set(policy.suites) <= set(receipt.suites):
        known = frozenset(_measured(receipt))
        for what, match, metric in _globs(policy):
            _refuse_unmatched(what, match, metric, known)


def _table(file: Path) -> Mapping[str, Any]:
    try:
        document = tomllib.loads(files.read_text(file))
    except FileNotFoundError as error:
        raise UsageError(
            f"There is no policy file '{file}'", remedy="Name a TOML file, or a folder"
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"The policy cannot be read: {error}", where=str(file)) from error
    tool = document.get("tool", {})
    declared = tool.get("harness") if isinstance(tool, dict) else None
    if declared is None:
        return {} if file.name == _FILE else document
    if not isinstance(declared, dict):
        raise UsageError("[tool.harness] is not a table", where=str(file))
    return declared


def _spelt(value: Any) -> Any:
    """Return `value` with hyphens in the keys of its tables."""
    if isinstance(value, dict):
        return {str(key).replace("_", "-"): _spelt(inner) for key, inner in value.items()}
    return [_spelt(inner) for inner in value] if isinstance(value, list) else value


def _refuse_unknown(
    table: Mapping[str, Any], kind: type[msgspec.Struct], prefix: str, where: str, also: tuple[str, ...] = ()
) -> None:
    known = (*kind.__struct_encode_fields__, *also)
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1, 0.5)
            remedy = f"Did you mean '{near[0]}'?" if near else f"Settings: {', '.join(known)}"
            raise UsageError(f"The policy has no setting '{prefix}{key}'", where=where, remedy=remedy)


def _plain(message: str) -> str:
    """Return a message of the decoder with the place as it appears in the file."""
    return message.replace("`$.", "`").replace("`$`", "its top")


def _refuse_senseless(policy: Policy, where: str) -> None:
    for complaint in _complaints(policy):
        raise UsageError(complaint, where=where)
    for limit in policy.limits:
        parse(limit.slo)
    if policy.budget is not None:
        parse_duration_s(policy.budget)
    if policy.blocks is None:
        refuse_unreachable(SessionPlan(), policy)


def _complaints(policy: Policy) -> Iterator[str]:
    for suite in policy.suites:
        if suite not in SUITES:
            yield f"There is no suite '{suite}'; the suites are {', '.join(SUITES)}"
    for key, paths in (("source-roots", policy.source_roots), ("suite", policy.named_suite)):
        for path in map(Path, paths):
            if path.is_absolute() or ".." in path.parts:
                yield f"'{path}' in {key} leads out of the project: name a path inside it"
    for rule in policy.benchmarks:
        if rule.margin_percent is None and rule.allow is None and rule.skip is None:
            yield f"The rule for '{rule.match}' sets nothing: give it margin-percent, allow or skip"
        if rule.margin_percent is not None and not _fits_any(rule, _WITH_MARGIN):
            yield (
                f"margin-percent of the rule for '{rule.match}' has no effect on the metric '{rule.metric}': metrics with a margin "
                f"are {', '.join(_WITH_MARGIN)}; for a counted metric set allow"
            )
        if rule.allow is not None and _fits_any(rule, _PAIRED) and not _fits_any(rule, _COUNTED):
            yield (
                f"allow of the rule for '{rule.match}' has no effect on the metric '{rule.metric}', which is timed and not counted: "
                "set margin-percent"
            )


def _fits_any(rule: BenchmarkRule, metrics: Iterable[str]) -> bool:
    return any(fits(rule.metric, metric) for metric in metrics)


def refuse_unreachable(plan: SessionPlan, policy: Policy, candidates: int = 1) -> None:
    """Raise `UsageError` if the plan's fresh blocks cannot confirm any of `candidates`, however slow they are."""
    alpha = policy.alpha_percent / 100 / candidates
    is_fixed = plan.rule is Rule.FIXED
    for blocks in {plan.confirm_blocks, plan.load_confirm_blocks}:
        best = min(1.0, 0.5**blocks if is_fixed else 1 / e_value(blocks, blocks))
        if best > alpha:
            raise UsageError(
                f"{blocks} fresh blocks cannot go below {significant(100 * best * candidates)} % (candidates: {candidates}), and "
                f"alpha-percent is {policy.alpha_percent:g}",
                remedy="Set more blocks or a larger alpha-percent"
                if is_fixed
                else "Give a larger budget, or a larger alpha-percent",
            )


def _measured(receipt: Receipt) -> Iterator[tuple[str, str]]:
    """Yield every benchmark with every metric that the session may have measured for it."""
    for benchmark in receipt.benchmarks:
        if benchmark.name != NULL_CONTROL:
            yield from ((benchmark.name, metric) for metric in _OF_MICRO)
            yield from (("import", metric) for metric in _OF_IMPORT)
            yield from (("process", metric) for metric in _OF_PROCESS)
    for count in receipt.counts:
        yield count.benchmark, count.metric
    for block in receipt.load_blocks:
        for segment in (block.base, block.candidate):
            for operation in segment.values if segment else ():
                yield from ((operation, metric) for metric in _OF_LOAD)


def _globs(policy: Policy) -> Iterator[tuple[str, str, str]]:
    yield from (("rule", rule.match, rule.metric) for rule in policy.benchmarks)
    yield from (("acceptance", accepted.match, accepted.metric) for accepted in policy.accepted)
    yield from (("limit", limit.operation, "*") for limit in policy.limits if limit.scenario is None)


def _refuse_unmatched(what: str, match: str, metric: str, known: Iterable[tuple[str, str]]) -> None:
    named = [pair for pair in known if fits(match, pair[0])]
    if any(fits(metric, pair[1]) for pair in named):
        return
    wanted, missing, offered = (
        (metric, f"metric of '{match}'", {pair[1] for pair in named})
        if named
        else (match, "benchmark or operation", {pair[0] for pair in known})
    )
    near = difflib.get_close_matches(wanted, sorted(offered), 3, 0.4)
    remedy = f"Did you mean {' or '.join(near)}?" if near else "Remove it, or correct the name"
    raise UsageError(f"The {what} for '{wanted}' matches no {missing} of this session", remedy=remedy)
