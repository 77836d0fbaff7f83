"""What the README and `examples/` show of the gate is what the gate understands."""

import json
import os
import re
import shlex
import subprocess

import pytest
import yaml

from harness.cli import make_parser
from harness.judge import policy_file
from reports.session.comment import MARKER
from tests.support.readme import ROOT, blocks, commands, of_the_harness

WORKFLOW = ROOT / "examples" / "github-gate.yml"
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


def commands_of(text):
    """Return the words of every `harness …` command in lines of shell."""
    lines = (_EXPRESSION.sub("main", line) for line in text.splitlines())
    parts = (part for line in lines for part in re.split(r"\|\||&&", line))
    words = [shlex.split(part, comments=True) for part in parts if part.split()[:1] == ["harness"]]
    return [found[1:] for found in words if found[:1] == ["harness"]]


def steps():
    (job,) = yaml.safe_load(WORKFLOW.read_text("utf-8"))["jobs"].values()
    return job["steps"]


def test_the_workflow_gates_a_pull_request_in_a_checkout_with_its_history():
    document = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    # YAML 1.1 reads the word `on` as true.
    assert document[True] == "pull_request"
    (checkout,) = (step for step in steps() if step.get("uses", "").startswith("actions/checkout"))
    assert checkout["with"]["fetch-depth"] == 0
    ((gate,),) = [found for step in steps() if (found := commands_of(step.get("run", "")))]
    assert gate[0] == "gate"


def test_what_the_workflow_keeps_and_comments_is_where_the_gate_writes():
    ((gate,),) = [found for step in steps() if (found := commands_of(step.get("run", "")))]
    out = gate[gate.index("--out") + 1]
    (kept,) = (step["with"]["path"] for step in steps() if "upload-artifact" in step.get("uses", ""))
    assert kept == out
    assert f"{out}/*/comment.md" in comment_step()["run"]
    after = [step for step in steps() if "upload-artifact" in step.get("uses", "")] + [comment_step()]
    assert all(step["if"] == "always()" for step in after), "a red gate is what is worth reading"


def comment_step():
    (step,) = (step for step in steps() if step.get("name") == "comment")
    return step


# A stand-in for GitHub's command line: it answers from a file, refuses to write where it is told to, keeps the rest.
GH = """#!/bin/sh
echo "$*" >> "$GH_CALLS"
case "$*" in
  *--slurp*) cat "$GH_COMMENTS" ;;
  *) if [ -n "$GH_READ_ONLY" ]; then echo "gh: Resource not accessible by integration (HTTP 403)" >&2; exit 1; fi ;;
esac
"""
OURS = {"id": 7, "body": f"{MARKER}\n## Performance: ok", "user": {"login": "github-actions[bot]"}}
OTHER_BOT = {"id": 8, "body": "## Coverage", "user": {"login": "github-actions[bot]"}}
QUOTED = {"id": 9, "body": f"{MARKER}\nas it said", "user": {"login": "somebody"}}


def commented(folder, *pages, comment=f"{MARKER}\n## Performance: regressed\n", **environment):
    """Run the step's script as GitHub does; return what it said, the summary, and the calls that write."""
    files = {"gh": GH, "comments.json": json.dumps(pages), "summary.md": "", "calls": ""}
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "gh").chmod(0o755)
    if comment is not None:
        (folder / "performance" / "run").mkdir(parents=True)
        (folder / "performance" / "run" / "comment.md").write_text(comment)
    given = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "GH_CALLS": str(folder / "calls"),
        "GH_COMMENTS": str(folder / "comments.json"), "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "GITHUB_REPOSITORY": "us/shop", "PULL_REQUEST": "12",
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-e", "-c", comment_step()["run"]], cwd=folder, env=given | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    calls = [line for line in (folder / "calls").read_text().splitlines() if "--slurp" not in line]
    return done.stdout, (folder / "summary.md").read_text(), calls


def test_the_comment_that_the_workflow_made_before_is_replaced(tmp_path):
    _, summary, calls = commented(tmp_path, [QUOTED, OTHER_BOT], [OURS])
    assert summary.startswith(MARKER)
    assert calls == [
        "api --silent --method PATCH repos/us/shop/issues/comments/7 --field body=@performance/run/comment.md"
    ]


@pytest.mark.parametrize("pages", [[[OTHER_BOT]], [[QUOTED]], [[]]])
def test_a_comment_of_another_is_left_alone(tmp_path, pages):
    assert commented(tmp_path, *pages)[2] == [
        "api --silent repos/us/shop/issues/12/comments --field body=@performance/run/comment.md"
    ]


@pytest.mark.parametrize("pages", [[[]], [[OURS]]])
def test_a_forks_token_that_may_not_write_makes_nothing_red_and_the_summary_has_it_all(tmp_path, pages):
    said, summary, _ = commented(tmp_path, *pages, GH_READ_ONLY="yes")
    assert "::notice::" in said
    assert "Performance: regressed" in summary


def test_a_gate_that_left_no_comment_is_red_by_itself_alone(tmp_path):
    said, summary, calls = commented(tmp_path, [], comment=None)
    assert ("left no comment" in said, summary, calls) == (True, "", [])


def test_the_job_is_red_for_the_gate_alone():
    (upload,) = (step for step in steps() if "upload-artifact" in step.get("uses", ""))
    assert upload["continue-on-error"] is True
    installs = " ".join(step.get("run", "") for step in steps())
    assert "requirements-dev.txt" not in installs, "that is how this project installs itself"


TYPED = [found for step in steps() for found in commands_of(step.get("run", ""))]


@pytest.mark.parametrize("words", TYPED, ids=" ".join)
def test_every_command_of_the_workflow_is_one_that_is_understood(words):
    _, unknown = make_parser(words).parse_known_args(words)
    assert unknown == []


def test_all_comparing_commands_are_shown():
    shown = [*TYPED, *of_the_harness(words for block in blocks("sh", "console") for words in commands(block))]
    assert {"compare", "gate", "judge", "ablate", "calibrate"} <= {words[0] for words in shown}


def test_every_policy_that_is_shown_is_one_that_is_read(tmp_path):
    header = "\n".join(
        line.removeprefix("#   ")
        for line in WORKFLOW.read_text("utf-8").splitlines()
        if line.startswith("#   ")
    )
    shown = [*blocks("toml"), header]
    assert len(shown) == 3
    policies = []
    for text in shown:
        (tmp_path / "pyproject.toml").write_text(text)
        policies.append(policy_file.read(tmp_path))
    assert [policy.suite for policy in policies].count("benchmarks") == 2
