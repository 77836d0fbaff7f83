"""`harness compare` of servers that run already: their load alone, for nothing else of them is in the measured process."""

import pytest

from tests.support.cli import inside
from tests.support.git import git
from tests.support.journalled import serving


@pytest.fixture
def server(tmp_path):
    with serving(tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Two servers have no benchmarks to compare. Give --suite load"),
        (
            ("--suite", "exact"),
            "Calls and allocations are not counted in a server's process. Give --suite load",
        ),
    ],
)
def test_nothing_is_counted_in_the_client_of_two_servers(tmp_path, server, words, says):
    said = inside(tmp_path, "compare", f"target:{server.url}/a", f"target:{server.url}/b", *words)
    assert (said.code, says in said.stderr) == (2, True), said.stderr
    assert not server.served()


def test_two_states_of_the_code_do_not_become_one_server_s_load(tmp_path, server):
    (tmp_path / "shop.py").write_text("A = 1\n")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "one")):
        git(tmp_path, *words)
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.harness]\ntarget = "{server.url}"\nsource-roots = ["shop.py"]\n'
    )
    said = inside(tmp_path, "compare", "git:HEAD", "path:.", "--suite", "load")
    assert said.code == 2
    assert f"Both sides would call the same server, {server.url}" in said.stderr
    assert "--serve NAME" in said.stderr
    assert not server.served()
