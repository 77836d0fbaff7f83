"""The table of calls: one layout for struct and NumPy, and no damaged file goes unnoticed."""

import errno
import os
import re
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from harness.errors import HarnessError, InvalidRunError
from harness.table import calls

KINDS = {"u1": "B", "<u2": "H", "<u4": "I", "<i8": "q"}
TABLES = npst.arrays(calls.DTYPE, st.integers(0, 20))
EXAMPLES = settings(max_examples=100, deadline=None)


def some_rows(count):
    table = np.zeros(count, calls.DTYPE)
    for number, name in enumerate(calls.DTYPE.names):
        table[name] = np.arange(count) % 5 + number
    return table


def written(path, rows):
    calls.write_table(path, rows)
    return path


def fields(*, up_to=None):
    names = list(calls.DTYPE.names)
    return names[: names.index(up_to) + 1 if up_to else None]


def letters(names):
    return "".join(KINDS[calls.DTYPE[name].str.lstrip("|")] for name in names)


def spelt_out(form):
    return re.sub(r"(\d+)(\w)", lambda found: found[2] * int(found[1]), form).lstrip("<")


def test_claim_and_fill_together_are_a_row_field_by_field_up_to_the_first_byte():
    assert spelt_out(calls.CLAIM_FORMAT) + spelt_out(calls.FILL_FORMAT) == letters(
        fields(up_to="lag_host_ns")
    )
    assert struct.calcsize(calls.CLAIM_FORMAT) == calls.FILL_FROM
    assert calls.FILL_FROM + struct.calcsize(calls.FILL_FORMAT) == calls.FIRST_BYTE_FROM
    assert calls.DTYPE.fields["first_byte_ns"] == (np.dtype("<i8"), calls.FIRST_BYTE_FROM)
    assert calls.ROW_BYTES == calls.DTYPE.itemsize == calls.FIRST_BYTE_FROM + 8


def test_the_outcome_is_the_first_byte_of_a_row():
    assert calls.DTYPE.fields["outcome"] == (np.dtype("u1"), 0)


def test_a_claim_is_the_beginning_of_a_row():
    assert "<" + letters(fields(up_to="dispatched_ns")) == calls.CLAIM_FORMAT
    assert struct.calcsize(calls.CLAIM_FORMAT) == calls.DTYPE.fields["entered_ns"][1]


@EXAMPLES
@given(npst.arrays(calls.DTYPE, 1))
def test_what_struct_packs_numpy_reads(row):
    values, claimed = row[0].item(), len(fields(up_to="dispatched_ns"))
    packed = struct.pack(calls.CLAIM_FORMAT, *values[:claimed])
    packed += struct.pack(calls.FILL_FORMAT + "q", *values[claimed:])
    assert packed == row.tobytes()
    assert np.frombuffer(packed, calls.DTYPE)[0] == row[0]


@EXAMPLES
@given(TABLES)
def test_what_is_written_is_read_by_us_and_by_numpy(tmp_path_factory, rows):
    path = written(tmp_path_factory.mktemp("calls") / "calls.npy", rows)
    assert calls.load(path).tobytes() == rows.tobytes()
    by_numpy = np.load(path)
    assert by_numpy.dtype == calls.DTYPE
    assert by_numpy.tobytes() == rows.tobytes()


def test_the_header_keeps_its_length_for_any_number_of_rows():
    assert {len(calls.header(rows)) for rows in (0, 1, 999, calls.MAX_ROWS)} == {calls.HEADER_BYTES}


def test_the_table_is_read_only(tmp_path):
    table = calls.load(written(tmp_path / "calls.npy", some_rows(3)))
    with pytest.raises(ValueError, match="read-only"):
        table["outcome"][0] = 1


def test_rows_in_reserve_are_not_part_of_the_table(tmp_path):
    path = written(tmp_path / "calls.npy", some_rows(0))
    with path.open("ab") as file:
        rows = np.zeros(10, calls.DTYPE)
        rows["outcome"][:4] = [2, 0, 2, 1]
        file.write(rows.tobytes())
    # A row that says nothing, between rows that do, belongs to them.
    assert calls.load(path)["outcome"].tolist() == [2, 0, 2, 1]
    assert len(np.load(path)) == 0


def test_an_untouched_reserve_is_no_row_at_all(tmp_path):
    path = written(tmp_path / "calls.npy", some_rows(0))
    os.truncate(path, calls.HEADER_BYTES + 7 * calls.ROW_BYTES)
    assert len(calls.load(path)) == 0


def test_a_plan_whose_last_rows_nobody_touched_is_whole(tmp_path):
    path = written(tmp_path / "calls.npy", np.zeros(9, calls.DTYPE))
    assert len(calls.load(path)) == 9


def test_sealing_makes_the_header_true_and_cuts_the_reserve(tmp_path):
    path = written(tmp_path / "calls.npy", some_rows(0))
    rows = np.zeros(10, calls.DTYPE)
    rows["outcome"][:6] = 2
    with path.open("ab") as file:
        file.write(rows.tobytes())
    calls.seal(path)
    assert np.load(path).tobytes() == rows[:6].tobytes()
    assert path.stat().st_size == calls.HEADER_BYTES + 6 * calls.ROW_BYTES
    calls.seal(path)
    assert len(np.load(path)) == 6


def damage(path):
    with pytest.raises(InvalidRunError) as caught:
        calls.load(path)
    sentence = str(caught.value)
    assert sentence.startswith("The table of calls is damaged: ")
    assert str(path) in sentence
    assert "run the scenario again" in sentence
    return caught.value.what.removeprefix("The table of calls is damaged: ")


@EXAMPLES
@given(st.integers(1, 8), st.data())
def test_a_file_cut_off_anywhere_is_damaged(tmp_path_factory, count, data):
    path = written(tmp_path_factory.mktemp("calls") / "calls.npy", some_rows(count))
    size = data.draw(st.integers(0, path.stat().st_size - 1))
    os.truncate(path, size)
    why = damage(path)
    whole, rest = divmod(size - calls.HEADER_BYTES, calls.ROW_BYTES)
    if size < calls.HEADER_BYTES:
        assert why in {"it is not a table of calls", "it ends in its header"}
    elif rest:
        assert why == f"it ends in the middle of row {whole}"
    else:
        assert why == f"it holds {whole} of {count} rows"


@settings(max_examples=300, deadline=None)
@given(st.integers(0, calls.HEADER_BYTES - 1), st.integers(1, 255))
def test_a_flipped_byte_in_the_header_is_noticed_or_harmless(tmp_path_factory, place, flip):
    rows = some_rows(3)
    path = written(tmp_path_factory.mktemp("calls") / "calls.npy", rows)
    content = bytearray(path.read_bytes())
    content[place] ^= flip
    path.write_bytes(content)
    try:
        table = calls.load(path)
    except InvalidRunError:
        return
    # Only a smaller number in the header leads to rows: what lies beyond it then counts as appended.
    assert table.tobytes() == rows[: len(table)].tobytes()


def test_a_table_of_an_earlier_version_is_read_without_its_first_bytes(tmp_path):
    names = fields(up_to="lag_host_ns")
    rows = np.zeros(3, np.dtype([(name, calls.DTYPE[name]) for name in names]))
    rows["outcome"], rows["completed_ns"] = 2, [5, 6, 7]
    path = tmp_path / "calls.npy"
    description = repr(rows.dtype.descr).replace("'aside'", "'reserved'")
    text = f"{{'descr': {description}, 'fortran_order': False, 'shape': (3,), }}".ljust(501) + "\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + rows.tobytes())
    assert len(np.load(path)) == 3
    table = calls.load(path)
    assert (table.dtype.names, table["completed_ns"].tolist()) == (tuple(names), [5, 6, 7])
    assert calls.planned_rows(path.read_bytes()) is None, "nobody writes to it any more"
    os.truncate(path, path.stat().st_size - 72)
    assert damage(path) == "it holds 2 of 3 rows"


def test_one_missing_row_is_noticed(tmp_path):
    path = written(tmp_path / "calls.npy", some_rows(4))
    os.truncate(path, path.stat().st_size - calls.ROW_BYTES)
    assert damage(path) == "it holds 3 of 4 rows"


def test_what_numpy_does_not_take_for_an_array_is_no_table(tmp_path):
    path = written(tmp_path / "calls.npy", some_rows(4))
    path.write_bytes(b"\x94" + path.read_bytes()[1:])
    assert damage(path) == "it is not a table of calls"


def test_an_empty_file_is_no_table(tmp_path):
    path = tmp_path / "calls.npy"
    path.touch()
    assert damage(path) == "it is not a table of calls"


@EXAMPLES
@given(st.binary(max_size=2000))
def test_garbage_is_no_table(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("calls") / "calls.npy"
    path.write_bytes(content)
    assert damage(path) == "it is not a table of calls"


def test_another_array_of_numpy_is_no_table(tmp_path):
    path = tmp_path / "calls.npy"
    np.save(path, np.arange(100))
    assert damage(path) == "it is not a table of calls"


def test_a_table_whose_shape_cannot_be_read_is_no_table(tmp_path):
    path = written(tmp_path / "calls.npy", some_rows(2))
    for shape in (b"(x,)", b"()  ", b"(-1)"):
        path.write_bytes(path.read_bytes().replace(b"(2,)", shape))
        assert damage(path) == "it is not a table of calls"
        calls.write_table(path, some_rows(2))


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    assert damage(tmp_path / "calls.npy") == "it cannot be read: No such file or directory"


def test_a_folder_in_its_place_is_said_to_be_one(tmp_path):
    (tmp_path / "calls.npy").mkdir()
    assert damage(tmp_path / "calls.npy") == "it cannot be read: Is a directory"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    path = tmp_path / "missing" / "calls.npy"
    with pytest.raises(HarnessError, match="cannot be written: No such file") as caught:
        calls.write_table(path, some_rows(1))
    assert caught.value.where == str(path)


def test_a_disk_that_fills_up_halfway_leaves_the_rows_from_before(tmp_path, monkeypatch):
    # Some file systems keep what they could reserve before they ran out.
    path = written(tmp_path / "calls.npy", some_rows(3))

    def run_out(descriptor, _offset, length):
        os.ftruncate(descriptor, length - 100)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", run_out)
    with path.open("r+b") as file, pytest.raises(HarnessError, match=r"No room for 9 calls .*No space left"):
        calls.reserve(file.fileno(), 9)
    assert calls.load(path).tobytes() == some_rows(3).tobytes()
