"""The wheel works in an environment of its own, from another folder, beside folders named like ours."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

from tests.support.paths import ROOT
from tests.support.tolerant import tolerant


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    # A build leaves files behind: build from a copy of what git knows.
    subprocess.run(["git", "-C", str(ROOT), "checkout-index", "-a", f"--prefix={source}/"], check=True)
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True, timeout=120)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_module_and_every_asset(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "harness", "reports", "scenarios", "targets"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert tracked
    assert [name for name in tracked if name not in names] == []


def test_the_wheel_runs_a_users_target_beside_folders_named_like_ours(wheel, tmp_path):
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile", "--target", str(site), str(wheel)],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    project = tmp_path / "project"
    project.mkdir()
    tolerant(project)
    for name in ("reports", "targets"):
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text("raise RuntimeError('the wrong package')\n")
    (project / "targets" / "mine.py").write_text(
        "class Mine:\n    def call(self, event):\n        return event\n\n\ndef create():\n    return Mine()\n"
    )
    for module in ("targets/mine.py:create", "targets.mine:create"):
        done = subprocess.run(
            [sys.executable, "-m", "harness", "run", "closed", "--target", module, "--duration", "300ms",
             "--warmup", "0s", "--json"],
            cwd=project, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, timeout=90, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        assert json.loads(done.stdout)["runs"][0]["outcomes"]["completed"] > 0
        assert str(site) not in done.stdout
