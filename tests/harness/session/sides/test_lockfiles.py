"""An environment of its own for each side, where lock files differ."""

import hashlib
import zipfile

import pytest

from harness.errors import HarnessError, UsageError
from harness.session.sides.lockfiles import content, digest, make_environment
from tests.support.session import supervised


def wheel(folder, name):
    """A wheel with one module: the smallest thing that pip installs."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    facts = {
        f"{name}.py": "",
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{name}-1.0.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in facts.items():
            archive.writestr(inside, text)
    return path


def test_comments_and_blank_lines_make_no_difference():
    assert content("# made by x\n\na==1  # via b\n  b==2\n") == content("a==1\nb==2\n# end\n")
    assert content("a==1\n") != content("a==2\n")


def test_a_missing_lock_has_no_digest_and_an_unreadable_one_is_an_error(tmp_path):
    assert digest(tmp_path / "lock.txt") is None
    with pytest.raises(UsageError, match="cannot be read"):
        digest(tmp_path)


def test_an_environment_has_what_the_lock_names_with_its_hashes(tmp_path):
    path = wheel(tmp_path, "pytest")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    lock = tmp_path / "lock.txt"
    lock.write_text(f"./{path.name} --hash=sha256:{sha256}\n")
    with supervised() as supervisor:
        python = make_environment(supervisor, lock, tmp_path / "env", tmp_path / "log")
    assert python == str(tmp_path / "env" / "bin" / "python")
    lock.write_text(f"./{path.name} --hash=sha256:{'0' * 64}\n")
    with (
        supervised() as supervisor,
        pytest.raises(HarnessError, match="nstalling the lock file of one side failed"),
    ):
        make_environment(supervisor, lock, tmp_path / "env2", tmp_path / "log")


def test_an_environment_without_pytest_is_refused(tmp_path):
    lock = tmp_path / "lock.txt"
    lock.write_text(f"./{wheel(tmp_path, 'other').name}\n")
    with supervised() as supervisor, pytest.raises(UsageError, match="lacks pytest"):
        make_environment(supervisor, lock, tmp_path / "env", tmp_path / "log")
