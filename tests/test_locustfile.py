"""The scenarios work with plain `locust -f`."""

import json
import os
import subprocess
import sys
from pathlib import Path

LOCUSTFILE = Path(__file__).parents[1] / "scenarios" / "locustfile.py"


def locust(tmp_path, **variables):
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "-u", "2", "-r", "2", "-t", "2s",
         "--json", "--skip-log"],
        cwd=tmp_path, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_plain_locust_drives_a_target_and_counts_its_failures(tmp_path):
    done = locust(tmp_path, HARNESS_TARGET="known:failing?every=4")
    (row,) = json.loads(done.stdout)
    assert row["name"] == "call"
    assert row["num_failures"] > 0
    assert abs(row["num_failures"] - row["num_requests"] / 4) <= 1


def test_plain_locust_drives_the_operations_of_a_scenario(tmp_path):
    done = locust(tmp_path, HARNESS_SCENARIO="ingest", HARNESS_TARGET="asset-core")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {"POST /assets", "GET /assets/{id}"}
    assert all(row["num_failures"] == 0 for row in rows.values()), done.stderr


def test_an_unknown_target_ends_with_a_sentence(tmp_path):
    done = locust(tmp_path, HARNESS_TARGET="known:nothing")
    assert done.returncode != 0
    assert "There is no target 'known:nothing'" in done.stderr
