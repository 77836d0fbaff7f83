from pathlib import Path

import pytest

from tests.support.session import write


@pytest.fixture
def seen(tmp_path, monkeypatch):
    """Return a function that tells which files each side's slots imported, by the last letter of their overlay."""
    file = tmp_path / "seen.txt"
    file.touch()
    monkeypatch.setenv("SEEN", str(file))
    return lambda what="own": {
        words[1]: {Path(word) for word in words[2:]}
        for words in (line.split() for line in file.read_text().splitlines())
        if words[0] == what
    }


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages, for this process and for slots."""
    folder = tmp_path / "site"
    write(folder, {"sitecustomize.py": f"import site\nsite.addsitedir({str(folder)!r})\n"})
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(folder)
    return folder
