"""`harness locust` is Locust's own program, with some options more."""

from tests.support.cli import harness


def test_all_words_are_locust_s_own_help_and_ours_are_added():
    said = harness("locust", "--help")
    assert said.code == 0
    assert said.stdout.startswith("Usage: locust [options] [UserClass ...]")
    for option in ("--users", "--processes", "--json", "--slo EXPR", "--app SPEC", "--no-report"):
        assert option in said.stdout


def test_a_missing_file_is_told_as_locust_tells_it(tmp_path):
    said = harness("locust", "-f", "nothing.py", "--headless", cwd=tmp_path)
    assert said.code == 1
    assert "Could not find 'nothing.py'" in said.stderr
    assert not (tmp_path / "runs").exists()
