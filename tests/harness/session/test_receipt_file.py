"""The receipt on disk."""

import msgspec
import pytest

from harness.errors import HarnessError, InvalidRunError, UsageError
from harness.session.receipt_file import NAME, read_receipt, write_receipt
from tests.support.judge import receipt


def test_what_is_written_is_read_by_file_and_by_folder(tmp_path):
    write_receipt(tmp_path / NAME, receipt())
    for path in (tmp_path, tmp_path / NAME):
        assert msgspec.to_builtins(read_receipt(path)) == msgspec.to_builtins(receipt())
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_no_receipt_is_an_error_of_usage(tmp_path):
    with pytest.raises(UsageError, match="no readable receipt"):
        read_receipt(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": "one"}', "[" * 5000, "\udcff"])
def test_a_damaged_receipt_proves_nothing(tmp_path, text):
    (tmp_path / NAME).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InvalidRunError, match="damaged"):
        read_receipt(tmp_path)


def test_a_receipt_cut_anywhere_is_damaged(tmp_path):
    whole = msgspec.json.encode(receipt())
    for end in range(0, len(whole), 37):
        (tmp_path / NAME).write_bytes(whole[:end])
        with pytest.raises(InvalidRunError):
            read_receipt(tmp_path)


def test_a_receipt_of_another_schema_is_told_apart_from_a_damaged_one(tmp_path):
    (tmp_path / NAME).write_text('{"schema": 1, "all": "else"}')
    with pytest.raises(InvalidRunError, match="schema 1; this harness reads schema 2"):
        read_receipt(tmp_path)


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HarnessError, match="cannot be written"):
        write_receipt(tmp_path / "file" / NAME, receipt())
