"""Results of other tools, as those write them, in the harness's terms."""

import json

import numpy as np
import pytest

from harness.errors import HarnessError, UsageError
from harness.export.hgrm import percentile_distribution
from harness.imported.sources import read_source
from harness.table.histogram import Histogram
from tests.support.other_tools import JTL_HEAD, K6_HEAD, document, jtl, written


def rows_of(found):
    return {row.name: row for row in found.rows}


def test_a_jtl_has_a_row_for_each_label_with_its_failures(tmp_path):
    rows = [("buy", ms, "true") for ms in range(1, 1001)] + [("look", 5, "false"), ("look", 7, "true")]
    found = read_source(written(tmp_path, "a.jtl", jtl(*rows)))
    buy, look = rows_of(found)["buy"], rows_of(found)["look"]
    assert (found.tool, buy.count, buy.failed, buy.min_ns, buy.max_ns) == ("JMeter", 1000, 0, 1e6, 1e9)
    assert buy.mean_ns == pytest.approx(500.5e6)
    assert [buy.p50_ns, buy.p95_ns, buy.p99_ns] == pytest.approx([500e6, 950e6, 990e6], rel=0.004)
    assert (look.count, look.failed, look.p99_ns) == (2, 1, None), "two requests have no p99"


def test_a_csv_of_k6_has_its_requests_alone(tmp_path):
    lines = [
        K6_HEAD,
        "http_reqs,1595325560,1.000000,,,,true,,GET,http://x/,HTTP/1.1,200",
        "http_req_duration,1595325560,221.899000,,,,true,,GET,http://x/,HTTP/1.1,200",
        "http_req_duration,1595325561,100.5,,,1404,false,,GET,http://x/,HTTP/1.1,404",
        "http_req_duration,1595325561,3,,,,true,,POST,http://x/a,HTTP/1.1,201",
    ]
    found = read_source(written(tmp_path, "k6.csv", "\n".join(lines)))
    rows = rows_of(found)
    assert (found.tool, set(rows)) == ("k6", {"GET http://x/", "POST http://x/a"})
    get = rows["GET http://x/"]
    assert (get.count, get.failed, get.min_ns, get.max_ns) == (2, 1, 100_500_000, 221_899_000)


def test_a_percentile_distribution_that_we_write_is_read_back(tmp_path):
    histogram = Histogram.of(np.arange(1, 100_001, dtype=np.int64) * 10_000)
    path = written(tmp_path, "all.hgrm", percentile_distribution(histogram))
    (row,) = read_source(path).rows
    assert (row.name, row.count, row.failed) == ("all", 100_000, None)
    assert row.max_ns == histogram.high
    expected = [histogram.percentile(share) for share in (0.5, 0.95, 0.99)]
    # A line stands for a range of percentiles: the first at or above is meant.
    assert [row.p50_ns, row.p95_ns, row.p99_ns] == pytest.approx(expected, rel=0.01)


def test_a_file_of_pytest_benchmark_keeps_its_machine_and_commit(tmp_path):
    facts = {
        "machine_info": {"cpu": {"brand_raw": "A CPU"}, "python_version": "3.12.1"},
        "commit_info": {"id": "abc"},
    }
    found = read_source(written(tmp_path, "0001_x.json", json.dumps(document(**facts))))
    row = rows_of(found)["test_a.py::test_x"]
    assert (row.count, row.failed, row.p50_ns, row.p99_ns) == (50, None, pytest.approx(2000), None)
    assert found.facts == {"cpu": "A CPU", "python": "3.12.1", "commit": "abc"}


DAMAGED = {
    "half a line.jtl": (jtl(("a", 1, "true")) + "16,abc", "Line 3 cannot be used: 'abc' is not a time"),
    "negative.jtl": (jtl(("a", -1, "true")), "Line 2 cannot be used"),
    "no number.csv": (f"{K6_HEAD}\nhttp_req_duration,1,nan,,,,,,GET,x,,", "Line 2 cannot be used"),
    "empty.jtl": (JTL_HEAD + "\n", "no result of JMeter"),
    "another.csv": ("a,b\n1,2\n", "format is unknown"),
    "xml.jtl": ("<?xml version='1.0'?><testResults/>", "XML is not read"),
    "nothing.txt": ("", "format is unknown"),
    "half.hgrm": ("  Value Percentile TotalCount 1/(1-Percentile)\n\n 1.0 0.5 1 2.0\n", "not a whole percentile"),
    "shuffled.hgrm": (
        " 2.0 0.9 1 2.0\n 1.0 0.5 1 2.0\n#[Mean    = 1.0, StdDeviation   = 0.0]\n#[Max     = 2.0, Total count    = 2]\n",
        "do not ascend",
    ),
    "another.json": ("{}", "required field"),
    "deep.json": ('{"benchmarks": ' + "[" * 100_000, "damaged|cannot be read"),
    "huge cell.jtl": (f"{JTL_HEAD}\n1,1,{'x' * 200_000},200,OK,t,text,true,,1\n", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_what_cannot_be_used_is_refused_as_a_whole(tmp_path, name):
    text, words = DAMAGED[name]
    with pytest.raises(HarnessError, match=words):
        read_source(written(tmp_path, name, text))


def test_bytes_and_missing_files_are_refused(tmp_path):
    (tmp_path / "a.jtl").write_bytes(b"\xff\xfe\x00")
    for name in ("a.jtl", "missing.jtl", "."):
        with pytest.raises(UsageError):
            read_source(tmp_path / name)
