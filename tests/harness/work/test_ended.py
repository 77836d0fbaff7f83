"""How work ends early: what is noted, what is raised, and what the command then says."""

import pytest

from harness.commands.showing.ended import end
from harness.console.console import Talk
from harness.errors import ExitCode, HarnessError, InvalidRunError
from harness.storage.stamps import folder_name
from harness.work.ended import EarlyEnd, Work


def test_an_error_before_anything_was_kept_is_raised():
    work = Work()
    with pytest.raises(HarnessError, match="no server"), work.noted(lambda: work.directories):
        raise HarnessError("no server")
    assert work.error is None


def test_an_error_after_something_was_kept_is_noted_and_told_with_its_exit_code(capsys):
    early = EarlyEnd()
    with early.noted(lambda: True):
        raise InvalidRunError("the disk is full")
    assert end(early, ExitCode.OK, Talk()) is ExitCode.INVALID
    assert "harness: The work ended early: the disk is full" in capsys.readouterr().err


def test_ctrl_c_is_noted_even_where_nothing_was_kept(capsys):
    early = EarlyEnd()
    with early.measuring():
        raise KeyboardInterrupt
    assert early.interrupted
    assert end(early, ExitCode.INTERRUPTED, Talk()) is ExitCode.INTERRUPTED
    assert capsys.readouterr().err == ""


def test_names_of_folders_differ_and_leave_out_empty_words():
    first, second = folder_name("steady", ""), folder_name("steady", "")
    assert first != second
    assert [len(first.split("-")), first.split("-")[1]] == [3, "steady"]
