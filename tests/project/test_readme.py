"""What the README says can be typed."""

import importlib.util
import inspect
import os
import re
import subprocess
import sys

import pytest

from harness.cli import make_parser
from harness.requests.reading import read_requests
from harness.target.client.address import read_address
from harness.target.importing import load_object
from harness.target.spec import HTTP, KINDS, kind_and_place, parse_spec
from scenarios.catalogue import SCENARIOS
from targets.registry import TARGETS
from tests.support.readme import README, ROOT, blocks, commands, heredocs, of_the_harness
from tests.support.tolerant import tolerant

BLOCKS = blocks("sh")
SHOWN = [words for block in blocks("sh", "console") for words in commands(block)]
# They need nothing of the blocks before them but each other, and show each kind: a run, one's own target, what is stored.
CHEAP = ("journal=journal.bin", "cat > mine.py", "calibrate --show", "harness export")


def run_in(folder, shell):
    # That a machine was too busy for a run to be valid says nothing about the README.
    environment = {
        **os.environ,
        "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
        "HARNESS": str(ROOT),
        "COLUMNS": "80",
    }
    for block in shell:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tolerant(folder), env=environment, capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


@pytest.mark.proof
@pytest.mark.servers
def test_the_shell_blocks_of_the_readme_run_in_their_order(tmp_path):
    assert len(BLOCKS) >= 5
    run_in(tmp_path, BLOCKS)
    assert (tmp_path / "again.html").stat().st_size > 10_000
    assert (tmp_path / "result.json").read_text().startswith('{"schema": 1')


def test_the_cheap_shell_blocks_run_in_their_order(tmp_path):
    cheap = [block for block in BLOCKS if any(words in block for words in CHEAP)]
    assert len(cheap) == len(CHEAP)
    run_in(tmp_path, cheap)
    assert (tmp_path / "result.json").read_text().startswith('{"schema": 1')
    assert (tmp_path / "journal.bin").stat().st_size > 0
    assert {path.suffix for path in (tmp_path / "exported").rglob("*")} >= {".hgrm", ".csv"}


def test_every_line_of_shell_is_one_that_bash_can_read():
    for block in blocks("sh", "console"):
        done = subprocess.run(["bash", "-n", "-c", block], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_every_program_that_is_shown_is_there(words):
    program, *rest = [word for word in words if not re.match("[A-Z_]+=", word)]
    if program == "make":
        assert re.search(rf"^{rest[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif program == "python":
        assert rest[0] == "-m"
        assert importlib.util.find_spec(rest[1])
    else:
        assert program in {"apt-get", "harness", "locust", "test"}


@pytest.mark.parametrize("words", of_the_harness(SHOWN), ids=" ".join)
def test_every_scenario_and_target_that_is_shown_is_one_that_there_is(words):
    words = words[: words.index(">")] if ">" in words else words
    args = vars(make_parser(words).parse_args(words))
    written = {name for block in blocks("sh") for name in heredocs(block)}
    assert args.get("scenario") in {None, *SCENARIOS}
    sides = [args.get(side) or "" for side in ("base", "candidate")]
    specs = [
        args.get("target"),
        *(side.removeprefix("target:") for side in sides if side.startswith("target:")),
    ]
    for spec in map(parse_spec, filter(None, specs)):
        if kind_and_place(spec.name)[0] == HTTP:
            read_address(spec.name, {})
        elif spec.is_factory:
            assert spec.name.partition(":")[0] in written
        else:
            inspect.signature(load_object(TARGETS[spec.name].factory)).bind(**spec.parameters)


def test_every_path_that_is_named_is_in_the_checkout_or_made_by_what_is_typed():
    shell = "\n".join(blocks("sh"))
    named = re.findall(r"\"\$HARNESS/([\w./]+)\"", README)
    named += re.findall(r"\]\(([\w./-]+)\)", README)
    named += re.findall(r"`([\w-]+/[\w./-]+\.(?:py|yml|md|toml))`", README)
    assert {"scenarios/locustfile.py", "examples/ablation.png", "examples/github-gate.yml"} <= {*named}
    assert [name for name in named if not (ROOT / name).exists() and name not in shell] == []


def test_every_way_to_name_ones_own_code_is_one_that_is_understood():
    table = README.partition("| SPEC | calls |")[2].partition("\n\n")[0]
    specs = re.findall(r"`([\w-]+(?:[:/.][^` ]*:[^` ]+|://[^` ]+)|serve:\w+)`", table)
    assert {kind_and_place(parse_spec(spec).name)[0] for spec in specs} == {"", *KINDS}
    assert all(parse_spec(spec).is_factory for spec in specs)


def test_the_requests_that_are_shown_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN", "of-a-customer")
    (tmp_path / "values.csv").write_text("product,name,password\ntea,ada,likes tea\n")

    def read(block):
        (tmp_path / "requests.jsonl").write_text(block)
        return read_requests(tmp_path / "requests.jsonl", tmp_path / "values.csv")

    mixed, journey = map(read, blocks("json"))
    assert list(mixed.operations) == ["GET /products/{id}", "GET /products", "order"]
    assert [one.operation for one in journey.templates] == ["POST /login", "GET /basket"]
    assert (mixed.is_journey, journey.is_journey) == (False, True)
