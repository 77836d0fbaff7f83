"""The file of samples: it grows line by line, and what is there can be read."""

import pytest

from harness.errors import InvalidRunError
from harness.run.samples import Sample, SampleFile, read


def test_samples_are_read_as_they_were_added_and_in_the_order_of_time(tmp_path):
    made = [Sample(at_ns=3, fds=7, took_ns=5), Sample(at_ns=1, rss_bytes=4096)]
    with SampleFile(tmp_path / "s.jsonl") as file:
        for one in made:
            file.add(one)
        # Before it is closed: a killed run keeps it.
        assert read(tmp_path / "s.jsonl") == [made[1], made[0]]


def test_a_line_that_was_cut_off_is_left_out(tmp_path):
    (tmp_path / "s.jsonl").write_bytes(b'{"at_ns":1,"fds":2}\n{"at_ns":2,"fd')
    assert read(tmp_path / "s.jsonl") == [Sample(at_ns=1, fds=2)]


def test_unknown_fields_are_ignored_and_missing_ones_unknown(tmp_path):
    (tmp_path / "s.jsonl").write_bytes(b'{"at_ns":1,"colour":"red"}\n')
    assert read(tmp_path / "s.jsonl") == [Sample(at_ns=1)]


@pytest.mark.parametrize(
    "damage", [b"not json\n", b'{"at_ns":"soon"}\n', b'{"fds":1}\n', b"\xff\xfe\n", b"[" * 5000 + b"\n"]
)
def test_damage_is_named(tmp_path, damage):
    (tmp_path / "s.jsonl").write_bytes(damage)
    with pytest.raises(InvalidRunError, match="samples of the process are damaged"):
        read(tmp_path / "s.jsonl")


def test_no_file_is_no_samples(tmp_path):
    assert read(tmp_path / "s.jsonl") == []


def test_what_was_not_sent_yet_can_be_sent_even_where_the_file_has_lost_its_name(tmp_path):
    path = tmp_path / "s.jsonl"
    with SampleFile(path) as file:
        file.add(Sample(at_ns=1))
        path.unlink()
        assert file.unsent() == b'{"at_ns":1}\n'
        file.add(Sample(at_ns=2))
        assert file.unsent() == b'{"at_ns":2}\n'
        assert file.unsent() == b""
