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
from reports.session.files import JUNIT, METRICS
from tests.support.readme import ROOT, blocks, commands, of_the_harness

GATE, COMMENT, GITLAB = (
    ROOT / "examples" / name for name in ("github-gate.yml", "github-comment.yml", "gitlab-ci.yml")
)
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}|\$\w+")


def commands_of(text):
    """Return the words of every `harness …` command in lines of shell."""
    lines = (_EXPRESSION.sub("main", line) for line in text.splitlines())
    parts = (part for line in lines for part in re.split(r"\|\||&&", line))
    words = [shlex.split(part, comments=True) for part in parts if part.split()[:1] == ["harness"]]
    return [found[1:] for found in words if found[:1] == ["harness"]]


def document(path):
    return yaml.safe_load(path.read_text("utf-8"))


def steps(path):
    (job,) = document(path)["jobs"].values()
    return job["steps"]


def step(path, name):
    (found,) = (
        one for one in steps(path) if name in (one.get("name"), one.get("uses", "").partition("@")[0])
    )
    return found


def gate_of(lines):
    ((found,),) = [found for line in lines if (found := commands_of(line))]
    return found


def test_the_gate_may_only_read_and_has_the_history():
    workflow = document(GATE)
    # YAML 1.1 reads the word `on` as true.
    assert workflow[True] == "pull_request"
    assert workflow["permissions"] == {"contents": "read"}
    assert step(GATE, "actions/checkout")["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert gate_of(one.get("run", "") for one in steps(GATE))[0] == "gate"
    # What a pull request names itself reaches no shell but by a variable.
    assert not any("${{" in one.get("run", "") for path in (GATE, COMMENT) for one in steps(path))


def test_the_artefact_holds_what_the_gate_wrote_and_the_number_and_both_follow_a_red_gate():
    words = gate_of(one.get("run", "") for one in steps(GATE))
    out = words[words.index("--out") + 1]
    upload, number = step(GATE, "actions/upload-artifact"), step(GATE, "number")
    assert (upload["with"]["path"], f"> {out}/pull-request.txt" in number["run"]) == (out, True)
    assert upload["with"]["name"] == step(COMMENT, "actions/download-artifact")["with"]["name"]
    order = [one.get("name") or one.get("uses") or one["run"] for one in steps(GATE)]
    assert order.index("number") > next(
        place for place, one in enumerate(order) if one.startswith("harness gate")
    )
    for one in (upload, number):
        assert (one["if"], one["continue-on-error"]) == ("always()", True), (
            "the job is red for the gate alone"
        )


def test_the_comment_follows_the_gate_and_never_checks_the_pull_request_out():
    workflow = document(COMMENT)
    assert workflow[True] == {"workflow_run": {"workflows": [document(GATE)["name"]], "types": ["completed"]}}
    assert workflow["permissions"] == {"actions": "read", "pull-requests": "write"}
    used = [one["uses"] for one in steps(COMMENT) if "uses" in one]
    assert [one.partition("@")[0] for one in used] == ["actions/download-artifact"]
    assert "pip" not in COMMENT.read_text("utf-8")


# A stand-in for GitHub's command line: it answers from files, refuses to write where it is told to, keeps the rest.
GH = """#!/bin/sh
echo "$*" >> "$GH_CALLS"
case "$*" in
  *--slurp*) cat "$GH_COMMENTS" ;;
  "api repos/us/shop/pulls/12") echo '{"head": {"sha": "'"$GH_HEAD"'"}}' ;;
  *pulls*) exit 1 ;;
  *) if [ -n "$GH_READ_ONLY" ]; then echo "gh: Resource not accessible by integration (HTTP 403)" >&2; exit 1; fi ;;
esac
"""
HEAD = "d" * 40
OWN = "<!-- asset-harness: performance comment -->"
OURS = {"id": 7, "body": f"{OWN}\n{MARKER}\n## Performance: ok", "user": {"login": "github-actions[bot]"}}
OTHER_BOT = {"id": 8, "body": "## Coverage", "user": {"login": "github-actions[bot]"}}
QUOTED = {"id": 9, "body": f"{OWN}\nas it said", "user": {"login": "somebody"}}
OTHER_WORKFLOW = {
    "id": 10, "body": f"<!-- asset-harness: nightly -->\n{MARKER}", "user": {"login": "github-actions[bot]"}
}  # fmt: skip
POSTED = ["api --silent repos/us/shop/issues/12/comments --field body=@body.md"]


def commented(folder, *pages, comment=f"{MARKER}\n## Performance: regressed\n", number="12\n", **environment):
    """Run the step's script as GitHub does; return what it said, and the calls that write."""
    files = {"gh": GH, "comments.json": json.dumps(pages), "calls": ""}
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "gh").chmod(0o755)
    if comment is not None:
        (folder / "performance" / "run").mkdir(parents=True)
        (folder / "performance" / "run" / "comment.md").write_text(comment)
        (folder / "performance" / "pull-request.txt").write_text(number)
    given = {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "GH_CALLS": str(folder / "calls"), "GH_HEAD": HEAD,
        "GH_COMMENTS": str(folder / "comments.json"), "GITHUB_REPOSITORY": "us/shop", "HEAD_SHA": HEAD,
        "GITHUB_WORKFLOW": document(COMMENT)["name"],
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-e", "-c", step(COMMENT, "comment")["run"]], cwd=folder, env=given | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    calls = (folder / "calls").read_text().splitlines()
    return done.stdout, [line for line in calls if "--slurp" not in line and "/pulls/" not in line]


def test_the_comment_that_the_workflow_made_before_is_replaced(tmp_path):
    _, calls = commented(tmp_path, [QUOTED, OTHER_BOT, OTHER_WORKFLOW], [OURS])
    assert calls == ["api --silent --method PATCH repos/us/shop/issues/comments/7 --field body=@body.md"]
    assert (tmp_path / "body.md").read_text().startswith(f"{OWN}\n{MARKER}\n## Performance: regressed")


@pytest.mark.parametrize(
    "other", [OTHER_BOT, QUOTED, OTHER_WORKFLOW], ids=["bot", "person", "our other workflow"]
)
def test_a_comment_of_another_is_left_alone(tmp_path, other):
    assert commented(tmp_path, [other])[1] == POSTED


@pytest.mark.parametrize("pages", [[[]], [[OURS]]])
def test_a_token_that_may_not_comment_makes_nothing_red(tmp_path, pages):
    assert "::notice::" in commented(tmp_path, *pages, GH_READ_ONLY="yes")[0]


def test_an_artefact_without_a_comment_is_no_error(tmp_path):
    said, calls = commented(tmp_path, [], comment=None)
    assert ("left no comment" in said, calls) == (True, [])


@pytest.mark.parametrize(
    "forged", [{"number": "13"}, {"number": "12; curl evil"}, {"HEAD_SHA": "e" * 40}, {"number": ""}]
)
def test_a_forged_number_comments_on_nobody_elses_pull_request(tmp_path, forged):
    calls = commented(tmp_path, [], **forged)[1]
    # Of a number with other words only its digits are read.
    assert calls == (POSTED if ";" in forged.get("number", "") else [])


def test_a_forged_comment_is_cut_and_mentions_nobody(tmp_path):
    commented(tmp_path, [], comment="@everyone `$(touch evil)` " + "x" * 100_000)
    body = (tmp_path / "body.md").read_text()
    assert body.startswith(f"{OWN}\n@\u200beveryone")
    assert len(body) < 65_536
    assert not (tmp_path / "evil").exists()


def test_gitlab_gates_a_merge_request_with_its_history_and_keeps_its_reports():
    job = document(GITLAB)["performance"]
    words = gate_of(job["script"])
    out = words[words.index("--out") + 1]
    assert job["variables"]["GIT_DEPTH"] == 0
    assert job["artifacts"]["when"] == "always"
    assert job["artifacts"]["paths"] == [out]
    assert job["artifacts"]["reports"] == {"junit": f"{out}/*/{JUNIT}", "metrics": f"{out}/*/{METRICS}"}
    fetched = next(line for line in job["script"] if line.startswith("git fetch"))
    assert shlex.split(fetched)[2:] == ["origin", "+$TARGET:refs/remotes/origin/$TARGET"]
    assert words[words.index("--base") + 1] == "origin/main"


def test_both_install_the_product_as_the_readme_does():
    installs = [one["run"] for one in steps(GATE) if "pip" in one.get("run", "")]
    installs += [line for line in document(GITLAB)["performance"]["script"] if "pip" in line]
    assert installs == ['pip install "$ASSET_HARNESS" --editable .'] * 2
    names = [
        document(GATE)["env"]["ASSET_HARNESS"],
        document(GITLAB)["performance"]["variables"]["ASSET_HARNESS"],
    ]
    assert names == ["asset-harness"] * 2


LINES = [*(one.get("run", "") for one in steps(GATE)), *document(GITLAB)["performance"]["script"]]
TYPED = [found for line in LINES for found in commands_of(line)]


@pytest.mark.parametrize("words", TYPED, ids=" ".join)
def test_every_command_of_the_workflow_is_one_that_is_understood(words):
    _, unknown = make_parser(words).parse_known_args(words)
    assert unknown == []


def test_all_comparing_commands_are_shown():
    shown = [*TYPED, *of_the_harness(words for block in blocks("sh", "console") for words in commands(block))]
    assert {"compare", "gate", "judge", "ablate", "calibrate"} <= {words[0] for words in shown}


def test_every_policy_that_is_shown_is_one_that_is_read(tmp_path):
    header = "\n".join(
        line.removeprefix("#   ") for line in GATE.read_text("utf-8").splitlines() if line.startswith("#   ")
    )
    shown = [*blocks("toml"), header]
    assert len(shown) == 5
    policies = []
    for text in shown:
        (tmp_path / "pyproject.toml").write_text(text)
        policies.append(policy_file.read(tmp_path))
    assert sum("benchmarks" in (policy.suite or ()) for policy in policies) == 2
