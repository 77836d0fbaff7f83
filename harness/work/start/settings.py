"""Write `[tool.harness]` into a project's `pyproject.toml`, and its requests: new text only, and no byte of the old changed."""

import dataclasses
import errno
import json
import os
import tomllib
from pathlib import Path

from harness.errors import UsageError
from harness.storage import files
from harness.work.start.proposal import Proposal

POLICY = "pyproject.toml"


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """The files that were written, in sentences; `table` is the settings where the project has some already."""

    files: tuple[str, ...]
    kept: tuple[str, ...] = ()
    table: str = ""


def write(project: Path, proposal: Proposal) -> Written:
    """Append the settings and write the requests; what exists stays as it is.

    Raises `UsageError`, and writes nothing, if `pyproject.toml` cannot be read.
    """
    policy, table = project / POLICY, table_of(proposal)
    old = _old(policy)
    addition = _addition(old, table) if old is not None else table.encode()
    written: list[str] = []
    kept: list[str] = []
    for name, text in proposal.new_files.items():
        (written if _write_new(project / name, text) else kept).append(name)
    if addition is None:
        return Written((*written,), (*kept,), table)
    _append(policy, addition)
    return Written((*written, POLICY), (*kept,))


def table_of(proposal: Proposal) -> str:
    """Return the settings as TOML, with comments."""
    lines = ["[tool.harness]"]
    if proposal.target:
        lines += [
            "# The code that `harness run`, `profile`, `capacity`, `compare` and `gate` call, and its requests.",
            f"target = {_text(proposal.target)}",
            *(f"# target = {_text(spec)}" for spec in proposal.others),
            f"requests = {_text(proposal.requests)}",
        ]
    if proposal.source_roots:
        roots = ", ".join(map(_text, proposal.source_roots))
        lines += [
            "# The packages and modules that a comparison takes from each revision.",
            f"source-roots = [{roots}]",
        ]
    if proposal.needs_build:
        lines += [
            "# Comparisons build each revision first: this project compiles or generates a part of its code.",
            'build = "pip"',
        ]
    if proposal.suite:
        lines += ["# The pytest-benchmark tests of `harness bench`.", f"suite = {_text(proposal.suite)}"]
    suites = [*(["micro"] if proposal.suite else []), *(["exact"] if proposal.target else [])]
    lines += [
        "# What `harness gate` compares with `base`: micro (times), exact (counted calls, allocations), load.",
        f"suites = [{', '.join(map(_text, suites))}]",
        '# base = "main"',
        "# A smaller change passes, in per cent.",
        "# margin-percent = 2.5",
    ]
    if proposal.target:
        lines += [
            "# Statuses that do not count as failures.",
            '# expect-status = ["200-399", 404]',
            "# A limit for the candidate under load.",
            "# [[tool.harness.limits]]",
            '# slo = "p99<25ms,errors<0.1%"',
        ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """Return a TOML string. JSON's escapes are TOML's too, but for characters beyond 16 bits."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _old(policy: Path) -> bytes | None:
    """Return the content of the policy's file; None if there is none."""
    try:
        return files.read_bytes(policy, files.MOST_DOCUMENT_BYTES)
    except FileNotFoundError:
        if policy.is_symlink():
            raise
        return None


def _addition(old: bytes, table: str) -> bytes | None:
    """Return the bytes to append to a policy's file; None if the table cannot be appended, as there is one already."""
    document = _parsed(old)
    newline = "\r\n" if b"\r\n" in old else "\n"
    # The last line may lack its end; an empty line keeps the table apart.
    before = "" if not old.strip() else newline if old.endswith(b"\n") else newline * 2
    addition = before.encode() + table.replace("\n", newline).encode()
    tool = document.get("tool", {})
    if isinstance(tool, dict) and "harness" in tool:
        return None
    try:
        tomllib.loads((old + addition).decode())
    except tomllib.TOMLDecodeError:
        return None  # `tool = { … }` is closed: TOML lets nobody add to it.
    return addition


def _parsed(old: bytes) -> dict[str, object]:
    try:
        return tomllib.loads(old.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(
            f"The file is not valid TOML, so nothing was written: {error}",
            where=POLICY,
            remedy="Correct it and run 'harness init' again",
        ) from error


def _write_new(path: Path, text: str) -> bool:
    """Write a file; return False if it exists."""
    path.parent.mkdir(exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _append(path: Path, addition: bytes) -> None:
    """Append bytes to a file, or none if they do not all fit."""
    with path.open("ab", buffering=0) as file:
        size = file.tell()
        is_whole = False
        try:
            is_whole = file.write(addition) == len(addition)
        finally:
            if not is_whole:
                file.truncate(size)
    if not is_whole:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
