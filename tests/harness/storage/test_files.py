"""The one door to files of others: regular files of a size that their kind can have, and nothing that makes one wait."""

import os
import socket

import numpy as np
import pytest

from harness.storage import files


def test_a_regular_file_is_read_through_links_too(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    assert files.read_bytes(tmp_path / "file") == files.read_bytes(tmp_path / "link") == b"content"


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        why = {}
        for name in ("pipe", "folder", "zero", "socket", "loop", "missing"):
            with pytest.raises(OSError) as caught:
                files.read_bytes(tmp_path / name)
            why[name] = caught.value.strerror
    assert why == {
        "pipe": "it is a named pipe, not a file",
        "folder": "Is a directory",
        "zero": "it is a device, not a file",
        "socket": "it is a socket, not a file",
        "loop": "Too many levels of symbolic links",
        "missing": "No such file or directory",
    }


def test_a_file_that_is_larger_than_its_kind_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(OSError, match=r"1,048,576 MiB \(limit 256 MiB"):
        files.read_bytes(tmp_path / "sparse")
    (tmp_path / "small").write_bytes(b"12345")
    with pytest.raises(OSError, match="for such a file"):
        files.read_bytes(tmp_path / "small", 4)
    assert files.read_bytes(tmp_path / "small", 5) == b"12345"


def test_a_file_of_the_kernel_that_tells_no_size_is_bounded_while_it_is_read():
    with pytest.raises(OSError, match="for such a file"):
        files.read_bytes(files.Path("/proc/self/maps"), 100)


def header_of(tmp_path, **changes):
    """Return an open `.npy` file with a header alone."""
    path = tmp_path / "file.npy"
    facts = {"descr": "<i8", "fortran_order": False, "shape": (2, 3), **changes}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, facts)
        file.write(bytes(48))
    return path.open("rb")


def test_an_array_is_held_against_its_header_before_it_takes_memory(tmp_path):
    with header_of(tmp_path) as file:
        assert files.read_array(file, "<i8", (2, None)).tolist() == [[0, 0, 0], [0, 0, 0]]
    cases = [
        ({"shape": (10**14,)}, (None,), "its header states"),
        ({"shape": (-(10**3),)}, (None,), "its header states"),
        ({"shape": (3, 3)}, (3, 3), "ends early"),
        ({"shape": (3, 3)}, (2, 3), "shape"),
        ({"descr": "<f8"}, (2, 3), "columns"),
        ({"descr": "|O"}, (2, 3), "columns"),
        ({"fortran_order": True}, (2, 3), "shape"),
    ]
    for changes, shape, why in cases:
        with header_of(tmp_path, **changes) as file, pytest.raises(ValueError, match=why):
            files.read_array(file, "<i8", shape)
