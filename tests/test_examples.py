"""What the README and `examples/` show of the gate is what the gate understands."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from harness import policy_file
from harness.cli import make_parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
WORKFLOW = ROOT / "examples" / "github-gate.yml"
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}")


def commands_of(text):
    """Return the words of every `harness …` command in lines of shell."""
    lines = (_EXPRESSION.sub("main", line) for line in text.splitlines())
    parts = (part for line in lines for part in re.split(r"\|\||&&", line))
    words = [shlex.split(part, comments=True) for part in parts]
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
    (comment,) = (step["run"] for step in steps() if "gh pr comment" in step.get("run", ""))
    assert kept == out
    assert f"{out}/*/comment.md" in comment
    after = [
        step
        for step in steps()
        if "upload-artifact" in step.get("uses", "") or "gh pr" in step.get("run", "")
    ]
    assert all(step["if"] == "always()" for step in after), "a red gate is what is worth reading"


TYPED = [
    *(found for step in steps() for found in commands_of(step.get("run", ""))),
    *(
        found
        for block in re.findall(r"^```(?:sh|console)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
        for found in commands_of(re.sub(r"cat > .*?^END$", "", block, flags=re.MULTILINE | re.DOTALL))
    ),
]


@pytest.mark.parametrize("words", TYPED, ids=" ".join)
def test_every_command_that_is_shown_is_one_that_is_understood(words):
    words = words[: words.index(">")] if ">" in words else words
    _, unknown = make_parser(words).parse_known_args(words)
    assert unknown == []


def test_all_comparing_commands_are_shown():
    assert {"compare", "gate", "judge", "ablate", "calibrate"} <= {words[0] for words in TYPED}


def test_every_policy_that_is_shown_is_one_that_is_read(tmp_path):
    header = "\n".join(
        line.removeprefix("#   ")
        for line in WORKFLOW.read_text("utf-8").splitlines()
        if line.startswith("#   ")
    )
    shown = [*re.findall(r"^```toml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL), header]
    assert len(shown) == 3
    policies = []
    for text in shown:
        (tmp_path / "pyproject.toml").write_text(text)
        policies.append(policy_file.read(tmp_path))
    assert [policy.suite for policy in policies].count("benchmarks") == 2
