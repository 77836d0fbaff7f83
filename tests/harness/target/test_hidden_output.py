"""What a target prints in a call does not show what the user of the call has saved."""

import contextvars
import io
import logging
import sys

import pytest

from harness.target.hidden_output import HiddenOutput, hide_in_output
from harness.target.journeys import USER, HidesSecrets


class Somebody(HidesSecrets):
    def hide(self, text):
        return text.replace("token", "[redacted]")


def printed(user, write):
    stream = io.StringIO()
    output = HiddenOutput(stream)

    def call():
        USER.set(user)
        write(output)

    contextvars.copy_context().run(call)
    return stream.getvalue()


def log(output):
    logging.StreamHandler(output).handle(logging.makeLogRecord({"msg": "a token"}))


@pytest.mark.parametrize(
    "write",
    [
        lambda output: print("a token", file=output),
        lambda output: output.writelines(["a ", "token", "\n"]),
        log,
    ],
)
def test_the_users_secrets_are_hidden_and_only_in_its_calls(write):
    assert printed(Somebody(), write) == "a [redacted]\n"
    assert printed(None, write) == printed(["a user of another kind"], write) == "a token\n"


@pytest.mark.parametrize(
    ("text", "hides"),
    [('{"path": "/", "save": {"token": "$.t"}}', True), ('{"path": "/"}', False), (None, False)],
)
def test_output_is_hidden_where_the_requests_save_values(tmp_path, monkeypatch, text, hides):
    file = tmp_path / "requests.jsonl"
    if text:
        file.write_text(text)
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))
    hide_in_output({"requests": str(file)})
    hide_in_output({})
    assert isinstance(sys.stderr, HiddenOutput) is hides
    assert isinstance(sys.stdout, HiddenOutput) is hides
    sys.stderr.flush()
