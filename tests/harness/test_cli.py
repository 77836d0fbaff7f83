"""The command line: help, lists, mistakes and exit codes."""

import argparse
import json
import os
import subprocess
import sys

import pytest

import harness
from harness import cli
from harness.commands.options import shared as options
from harness.errors import ExitCode, HarnessError, InvalidRunError
from harness.target.spec import KINDS
from harness.work import checks
from scenarios.catalogue import SCENARIOS
from targets.registry import TARGETS
from tests.support.cli import sentence_of


def said(capsys, *words):
    """Run a command in this process: (exit code, stdout, stderr)."""
    code = cli.main(words)
    out, err = capsys.readouterr()
    return code, out, err


def helped(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_help_names_every_command_with_what_it_does(capsys):
    text = helped(capsys, "--help")
    for command in cli.COMMANDS:
        assert f"\n    {command.name} " in text
        assert command.summary in text


# Another program has its own help, and takes the place of this process.
OWN = [command for command in cli.COMMANDS if not isinstance(command, cli.PassedOn)]


@pytest.mark.parametrize("command", OWN, ids=lambda command: command.name)
def test_every_command_has_help_and_speaks_json(capsys, command):
    text = helped(capsys, command.name, "--help")
    assert text.startswith(f"usage: harness {command.name}")
    assert "--json" in text


def test_names_of_commands_are_unique():
    assert len({command.name for command in cli.COMMANDS}) == len(cli.COMMANDS)


def test_the_version_is_the_packages(capsys):
    assert helped(capsys, "--version") == f"harness {harness.__version__}\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("rnu",), "rnu"),
        (("list", "--nothing"), "Unknown for 'list': --nothing. See 'harness list --help'"),
        (("list", "extra"), "Unknown for 'list': extra"),
        (("run",), "SCENARIO"),
        (("run", "steady", "--rate", "0"), "'0' is not a rate"),
        (("run", "steady", "--users", "3"), "is an open model: it has a rate, not users"),
        (("run", "closed", "--rate", "3"), "is a closed model: it has users, not a rate"),
        (("run", "steady", "--rate", "3", "--users", "3"), "not allowed with"),
        (("run", "steady", "--duration", "10"), "'10' is not a duration"),
        (("run", "steady", "--profile", "disk"), "There is no profile 'disk'"),
        (("run", "steddy"), "There is no scenario 'steddy'. Did you mean steady"),
        (
            ("run", "steady", "--target", "known:stal"),
            "There is no target 'known:stal'. Did you mean known:stall",
        ),
        (
            ("run", "steady", "--target", "known:noop", "--variant", "fast"),
            "has no variant 'fast'. The target has no variants",
        ),
        (
            ("run", "steady", "--target", "asset-core", "--variant", "fast"),
            "Choose from: optimised, baseline",
        ),
        (
            ("run", "steady", "--target", "asset-core?variant=baseline", "--variant", "optimised"),
            "Name it once",
        ),
        (("run", "steady", "--rate", "2000000"), "cannot be driven"),
        (("run", "steady", "--rate", "0.001"), "The plan has no call"),
        (("clean", "--keep-mib", "-1"), "--keep-mib"),
    ],
)
def test_a_mistake_is_one_sentence_with_the_code_of_usage(capsys, words, sentence):
    code, out, err = said(capsys, *words)
    assert code is ExitCode.USAGE
    assert out == ""
    assert err.startswith("harness: ")
    assert err.count("\n") == 1
    assert sentence in err


def test_a_mistake_is_told_as_json_too(capsys):
    code, out, err = said(capsys, "list", "--json", "--nothing")
    document = json.loads(out)
    assert [*document] == ["schema", "error"]
    assert document["error"]["exit_code"] == code == ExitCode.USAGE
    assert err == f"harness: {sentence_of(document)}\n"


def test_the_list_names_everything_there_is_to_run(capsys):
    code, out, err = said(capsys, "list", "--json")
    assert (code, err) == (ExitCode.OK, "")
    document = json.loads(out)
    assert document["schema"] == 1
    assert [scenario["name"] for scenario in document["scenarios"]] == list(SCENARIOS)
    assert [target["name"] for target in document["targets"]] == list(TARGETS)
    variants = {target["name"]: target["variants"] for target in document["targets"]}
    assert variants["asset-core"] == ["optimised", "baseline"]
    assert [form["spec"].partition(":")[0] for form in document["forms"]] == [*KINDS, "PLACE"]


def test_the_list_for_people_names_the_same_and_the_next_command(capsys):
    code, out, _ = said(capsys, "list")
    assert code is ExitCode.OK
    assert all(
        name in out
        for name in (*SCENARIOS, *TARGETS, *(f"{kind}:PLACE" for kind in ("call", "wsgi", "asgi")))
    )
    assert out.splitlines()[-1].startswith("Next: harness run ")


class Failing:
    """A command that ends in an error."""

    name = "fail"
    summary = "fails"

    def __init__(self, error):
        self.error = error

    def add_arguments(self, parser):
        pass

    def run(self, _args, _talk):
        raise self.error


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (HarnessError("It broke", remedy="Mend it"), 1, "It broke. Mend it"),
        (InvalidRunError("It is damaged", where="file"), 5, "It is damaged (file)"),
        (KeyboardInterrupt(), 130, "Interrupted; what was measured is kept."),
        (OSError(28, "No space left on device", "file"), 1, "No space left on device (file)"),
    ],
)
def test_an_error_ends_as_one_sentence_with_its_code(capsys, monkeypatch, error, code, sentence):
    monkeypatch.setattr(cli, "COMMANDS", (Failing(error),))
    found, out, err = said(capsys, "fail")
    assert (found, out) == (code, "")
    assert err.startswith("harness: ")
    assert sentence in err


def test_a_defect_is_not_hidden(monkeypatch):
    monkeypatch.setattr(cli, "COMMANDS", (Failing(ZeroDivisionError()),))
    with pytest.raises(ZeroDivisionError):
        cli.main(["fail"])


@pytest.mark.parametrize("words", [("list",), ("list", "--json")], ids=" ".join)
def test_a_reader_that_stops_reading_changes_no_exit_code(words):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "harness", *words],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 0


PURE = (checks.clock, checks.noise, checks.timer, checks.interpreter, checks.memory_profiler)


@pytest.mark.parametrize("check", PURE, ids=lambda check: check.__name__)
def test_a_check_of_the_doctor_says_what_it_saw_and_what_to_do(check):
    finding = check()
    assert isinstance(finding.ok, bool)
    assert finding.name
    assert finding.sentence
    assert finding.remedy


@pytest.mark.parametrize(
    ("slices_ns", "share", "worst"),
    [
        ([100] * 9, 0.0, 1.0),
        ([100] * 5 + [200, 50], 0.0, 2.0),
        ([100] * 7 + [300], 0.3, 3.0),
        ([100] * 6 + [900, 500], 0.7, 9.0),
    ],
)
def test_the_doctor_counts_the_time_in_which_the_cpu_was_under_half_its_speed(slices_ns, share, worst):
    assert checks.slow_share(slices_ns) == (pytest.approx(share), pytest.approx(worst))


def test_the_doctor_says_how_steady_the_cpu_is(monkeypatch):
    monkeypatch.setattr(checks, "_SPEED_NS", 20_000_000)
    for most, ok in ((-1.0, False), (1.0, True)):
        monkeypatch.setattr(checks, "_MOST_SLOW_SHARE", most)
        assert checks.speed().ok is ok
    assert "times slower" in checks.speed().sentence


def test_the_doctor_finds_an_interpreter_that_is_traced():
    previous = sys.gettrace()
    sys.settrace(lambda *_: None)
    try:
        assert not checks.interpreter().ok
    finally:
        sys.settrace(previous)


def test_problems_of_the_machine_are_an_answer_not_a_failure(capsys, monkeypatch):
    problem = checks.Finding("thing", ok=False, sentence="it is broken", remedy="Mend it")
    fine = checks.Finding("other", ok=True, sentence="it works", remedy="Never said")
    monkeypatch.setattr("harness.commands.doctor.CHECKS", (lambda: problem, lambda: fine))
    code, out, _ = said(capsys, "doctor")
    assert code is ExitCode.OK
    assert "PROBLEM thing: it is broken\n        Mend it\n" in out
    assert "ok      other: it works\n" in out
    assert "Never said" not in out
    code, out, _ = said(capsys, "doctor", "--json")
    document = json.loads(out)
    assert code is ExitCode.OK
    assert [finding["ok"] for finding in document["findings"]] == [False, True]
    assert document["environment"]["python"]


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (options.positive_rate, "0.5", 0.5),
        (options.positive_int, "100000", 100_000),
        (options.span_s, "1m30s", 90.0),
        (options.seed, "0", 0),
    ],
)
def test_the_value_of_an_option_is_read(read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((options.positive_rate, text) for text in ("0", "-1", "nan", "inf", "ten", "")),
        *((options.positive_int, text) for text in ("0", "-1", "1.5", "100001", "²", "")),
        *((options.span_s, text) for text in ("10", "-5s", "")),
        *((options.seed, text) for text in ("-1", "1.0", "9" * 19, "٣", "")),
    ],
)
def test_the_value_of_an_option_that_cannot_be_meant_is_refused(read, text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not a"):
        read(text)


def test_a_list_is_printed_without_the_libraries_that_only_some_commands_need():
    heavy = "{'numpy', 'matplotlib', 'locust', 'gevent', 'boto3', 'neo4j', 'pytest'}"
    code = f"import sys; from harness import cli; cli.main(['list']); sys.exit(str({heavy} & sys.modules.keys() or '') or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
