"""The mixes of operations of the scenarios work with plain `locust -f`."""

import json
import os
import subprocess
import sys

from tests.support.locust import LOCUSTFILE


def locust(tmp_path, **variables):
    return subprocess.run(
        [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "-u", "2", "-r", "2", "-t", "2s",
         "--json", "--skip-log"],
        cwd=tmp_path, env={**os.environ, **variables}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_plain_locust_drives_the_operations_of_a_scenario(tmp_path):
    done = locust(tmp_path, HARNESS_SCENARIO="ingest", HARNESS_TARGET="asset-core")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert set(rows) == {"POST /assets", "GET /assets/{id}"}
    assert all(row["num_failures"] == 0 for row in rows.values()), done.stderr
