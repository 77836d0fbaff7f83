"""Runs the long proofs one after the other, each in a process of its own, and keeps what each came to.

`python -m tests.running.proofs [ARGUMENTS OF PYTEST]`; `make prove` is this. The arguments choose among the tests that are
marked `proof`. A result is one line of `proofs/results.jsonl`, written as soon as it is known; a proof that has passed on
the same state of the source is not run again, so an interrupted `make prove` goes on where it was.
"""

import dataclasses
import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.running.phases import FAILED, INTERRUPTED, PASSED, pytest_process

RESULTS = Path("proofs") / "results.jsonl"
# What a proof can rest on; not the results themselves, nor what only people read.
SOURCE = ("examples", "harness", "reports", "scenarios", "targets", "tests", "README.md", "pyproject.toml", "requirements-dev.txt")  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Result:
    """What a proof came to; `source` names the state of the source, `commit` where that was nearest to."""

    proof: str
    outcome: str
    seconds: int
    date: str
    commit: str
    source: str


def read(path: Path) -> dict[str, Result]:
    """Return the results that are kept, by proof; none where there is no such file."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {result.proof: result for result in (Result(**json.loads(line)) for line in lines)}


def write(path: Path, results: Iterable[Result]) -> None:
    """Keep these results instead of all that are there, sorted by proof; never half of them."""
    path.parent.mkdir(exist_ok=True)
    lines = [json.dumps(dataclasses.asdict(one)) for one in sorted(results, key=lambda one: one.proof)]
    beside = path.with_suffix(".new")
    beside.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    beside.replace(path)


def state_of_source() -> str:
    """Return a digest of all files of the source that git knows or would add, as they lie here."""
    digest = hashlib.sha256()
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *SOURCE)
    for name in sorted(set(listed.split("\0"))):
        if os.path.isfile(name):
            digest.update(f"{name}\0".encode() + hashlib.sha256(Path(name).read_bytes()).digest())
    return digest.hexdigest()[:12]


def commit() -> str:
    """Return the commit that is checked out, with a plus where the source has changed since."""
    return _git("rev-parse", "--short=10", "HEAD").strip() + (
        "+" if _git("status", "--porcelain", "--", *SOURCE) else ""
    )


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def collect(arguments: Sequence[str]) -> list[str]:
    """Return the ids of the proofs that the arguments choose, in the order of pytest."""
    words = [sys.executable, "-m", "pytest", "-m", "proof", "--collect-only", "-q", *arguments]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"No proof was found.\n{done.stdout}{done.stderr}")
    return [line for line in done.stdout.splitlines() if "::" in line]


def prove(proof: str) -> str:
    """Run one proof and return its outcome: passed, failed or skipped."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        if pytest_process(["-m", "proof", f"--junit-xml={report}", proof]) != PASSED:
            return "failed"
        return "skipped" if ET.parse(report).find(".//skipped") is not None else "passed"


def main(arguments: Sequence[str]) -> int:
    """Run what has not passed on this state of the source; return whether all have passed by now."""
    proofs, source, results = collect(arguments), state_of_source(), read(RESULTS)
    if not arguments:
        results = {name: result for name, result in results.items() if name in proofs}
        write(RESULTS, results.values())
    for proof in proofs:
        if is_proven(results.get(proof), source):
            print(f"{proof}: has passed on this state of the source", flush=True)
            continue
        begun_s = time.monotonic()
        try:
            outcome = prove(proof)
        except KeyboardInterrupt:
            return INTERRUPTED
        seconds, today = round(time.monotonic() - begun_s), dt.datetime.now(dt.UTC).date().isoformat()
        results[proof] = Result(proof, outcome, seconds, today, commit(), source)
        write(RESULTS, results.values())
    lacking = [proof for proof in proofs if not is_proven(results.get(proof), source)]
    print(
        "\n".join([f"proofs: {len(proofs) - len(lacking)} of {len(proofs)} have passed", *lacking]),
        flush=True,
    )
    return FAILED if lacking else PASSED


def is_proven(result: Result | None, source: str) -> bool:
    """Say whether this is the result of a proof that passed on that state of the source."""
    return result is not None and (result.outcome, result.source) == ("passed", source)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
