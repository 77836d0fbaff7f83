"""Whether this machine can count instructions."""

import platform
import stat

import pytest

from harness.errors import UsageError
from harness.instructions import valgrind
from tests.support.valgrind import needs_valgrind


def test_a_machine_without_valgrind_is_told_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert valgrind.trouble()[0] == "valgrind is not installed"
    assert valgrind.version() == ""
    with pytest.raises(
        UsageError, match=r"'instructions' cannot be measured: valgrind is not installed.*apt-get"
    ):
        valgrind.require()


def test_an_architecture_without_client_requests_is_named(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    why, remedy = valgrind.trouble()
    assert why == "instructions are counted on x86_64 and aarch64 only, and this is riscv64"
    assert "x86_64" in remedy


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo 'ptrace: not permitted' >&2; exit 1",
            "valgrind cannot run this Python: ptrace: not permitted",
        ),
        ("exit 3", "valgrind cannot run this Python: exit code 3"),
        ('while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"', "does not run under Valgrind"),
    ],
)
def test_a_valgrind_that_does_not_count_is_found_out_with_what_it_says(monkeypatch, tmp_path, script, said):
    fake = tmp_path / "valgrind"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert said in valgrind.trouble()[0]


@needs_valgrind
def test_a_valgrind_that_counts_is_no_trouble():
    assert valgrind.trouble() == ("", "")
    assert valgrind.version().startswith("valgrind-")
    valgrind.require()
