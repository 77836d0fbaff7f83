"""What the server used, from readings whose truth is known."""

import pytest

from harness.reading import summary
from harness.reading.server_use import cores_over_time, server_json, server_use
from harness.run.documents import ServerUsage
from tests.support.run_builder import make_run, served

MIB = 2**20


def run_with(tmp_path, facts):
    return summary.load(make_run(tmp_path, duration_s=10.0, rate_per_s=100.0, served=facts))


def test_cpu_is_of_the_measured_time_and_by_request(tmp_path):
    run = run_with(tmp_path, served([50 * MIB] * 40))
    use = server_use(run)
    assert use.cores == pytest.approx(0.5)
    assert use.cpu_s == pytest.approx(0.5 * run.measured_s)
    assert use.cpu_ns_per_call == pytest.approx(0.5 * run.measured_s / run.total.count * 1e9)


def test_memory_has_its_first_its_last_and_its_highest_value(tmp_path):
    use = server_use(run_with(tmp_path, served([50 * MIB, *[90 * MIB] * 38, 60 * MIB])))
    assert (use.rss_bytes.first, use.rss_bytes.most, use.rss_bytes.last) == (50 * MIB, 90 * MIB, 60 * MIB)


@pytest.mark.parametrize(
    ("rss", "grows"),
    [
        ([50 * MIB + place * MIB // 2 for place in range(40)], True),
        ([50 * MIB] * 40, False),
        # A cache that fills up, and a step.
        ([50 * MIB + min(place, 12) * MIB for place in range(40)], False),
        ([50 * MIB] * 20 + [80 * MIB] * 20, False),
        # Below one MiB, and below 2 %.
        ([10 * MIB + place * 1024 for place in range(40)], False),
        ([500 * MIB + place * MIB // 8 for place in range(40)], False),
    ],
)
def test_only_memory_that_grows_in_every_quarter_may_be_a_leak(tmp_path, rss, grows):
    assert bool(server_use(run_with(tmp_path, served(rss))).growth) is grows


def test_growth_is_stated_by_request(tmp_path):
    run = run_with(tmp_path, served([50 * MIB + place * MIB for place in range(40)]))
    growth = server_use(run).growth
    # 40 MiB in 1,000 requests.
    assert run.total.count == 1000
    assert "(41 KiB a request)" in growth


def test_too_few_readings_say_nothing(tmp_path):
    assert server_use(run_with(tmp_path, served([50 * MIB], at_s=[0.25]))) is None
    assert server_use(run_with(tmp_path, None)) is None
    assert server_json(run_with(tmp_path, None)) is None


def test_json_has_the_use_and_every_reading(tmp_path):
    found = server_json(run_with(tmp_path, served([50 * MIB] * 40)))
    assert found["use"]["rss_bytes"] == {"first": 50 * MIB, "last": 50 * MIB, "most": 50 * MIB}
    assert len(found["usage"]["at_s"]) == 42
    assert found["command"] == "serve {port}"


def test_processors_over_time_come_from_windows_of_a_second():
    middles_s, cores = cores_over_time(served([MIB] * 40), 10.0)
    assert len(middles_s) == len(cores) == 10
    assert cores == pytest.approx([0.5] * 10)


def test_readings_of_different_lengths_are_damaged():
    with pytest.raises(ValueError, match="different lengths"):
        ServerUsage(at_s=[0.0], cpu_s=[])
