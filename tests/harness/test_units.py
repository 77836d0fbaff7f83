"""Numbers for people, and durations back from them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import units
from harness.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("5m", 300), ("1h", 3600), ("1m30s", 90), ("250ms", 0.25), ("1.5s", 1.5), ("0s", 0)],
)
def test_a_duration_is_read(text, seconds):
    assert units.parse_duration_s(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "s", "-5s", "10 s", " 10s", "10s ", "1m30", "1d", "1e3s", ".5s", "ten"]
)
def test_what_is_no_duration_is_told_how_to_write_one(text):
    with pytest.raises(UsageError, match=f"'{re.escape(text)}' is not a duration. Write it like 10s"):
        units.parse_duration_s(text)


@given(st.integers(1, 10**6))
def test_a_duration_written_out_reads_the_same(seconds):
    assert units.parse_duration_s(units.format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.25, "250ms"),
        (0, "0ms"),
        (1, "1s"),
        (2.5, "2.5s"),
        (60, "1m"),
        (90, "1m30s"),
        (3600, "1h"),
        (7265, "2h1m5s"),
    ],
)
def test_a_span_is_written_in_its_largest_units(seconds, text):
    assert units.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("value_ns", "text"),
    [
        (None, "–"),
        (0, "0 ns"),
        (12, "12 ns"),
        (1_234, "1.23 µs"),
        (999_400, "999 µs"),
        (999_700, "1 ms"),
        (1_234_567, "1.23 ms"),
        (250_000_000, "250 ms"),
        (1.5e9, "1.5 s"),
        (3_600e9, "3,600 s"),
        (-1_234, "-1.23 µs"),
    ],
)
def test_a_time_has_its_unit(value_ns, text):
    assert units.format_ns(value_ns) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1 KiB"),
        (1.5 * 2**20, "1.5 MiB"),
        (2**34, "16 GiB"),
    ],
)
def test_a_size_has_its_binary_unit(value, text):
    assert units.format_bytes(value) == text


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (units.format_rate, 1250, "1,250/s"),
        (units.format_rate, 0.5, "0.5/s"),
        (units.format_count, 1234567, "1,234,567"),
        (units.format_percent, 0.0123, "1.23 %"),
        (units.format_percent, 1, "100 %"),
        (units.format_percent, 0.0000001, "0.00001 %"),
        (units.significant, 7.2e-05, "0.000072"),
        (units.significant, 3e12, "3,000,000,000,000"),
        (units.significant, 1e-12, "about 0"),
        (units.significant, -1e18, "under -1,000,000,000,000,000"),
        (units.significant, float("inf"), "∞"),
        (units.significant, float("nan"), "unknown"),
        (units.format_s, 7.2e-05, "72 µs"),
        (units.format_s, 3600, "3,600 s"),
        (units.format_s, 0, "0 s"),
        (units.format_rate_in_full, 200.5, "200.5/s"),
        (units.format_rate_in_full, 0.00005, "0.00005/s"),
        (units.in_full, 2_000_000.0, "2000000"),
        (units.in_full, 400.0, "400"),
        (units.format_duration, 0.0000002, "0.0002ms"),
        (units.significant, 12.34, "12.3"),
        (units.significant, 1234.6, "1,235"),
        (units.significant, 999.9, "1,000"),
        (units.significant, 0, "0"),
    ],
)
def test_other_numbers_are_written_shortly(write, value, text):
    assert write(value) == text


@pytest.mark.parametrize("write", [units.format_rate, units.format_count, units.format_percent])
def test_a_missing_number_is_a_dash(write):
    assert write(None) == "–"


@given(st.floats(allow_nan=False))
def test_no_number_has_an_exponent(value):
    writers = (
        units.significant,
        units.format_ns,
        units.format_s,
        units.format_bytes,
        units.format_rate,
        units.format_percent,
    )
    for write in writers:
        assert not re.search(r"\d[eE][-+]?\d", write(value))
    if abs(value) < 1e300:
        assert float(units.in_full(value)) == pytest.approx(value, rel=1e-11)


@given(st.floats(1e-4, 1e12))
def test_three_digits_are_never_more_than_half_a_percent_off(value):
    assert float(units.significant(value).replace(",", "")) == pytest.approx(value, rel=0.00501)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (59, "59 s"),
        (59.5, "1 minute"),
        (61, "2 minutes"),
        (7200, "120 minutes"),
        (7300, "3 hours"),
    ],
)
def test_estimated_durations_are_rounded_up_in_words(seconds, text):
    assert units.format_minutes(seconds) == text


def test_memory_has_decimal_units_where_a_limit_has_them():
    assert [units.format_size(value) for value in (0, 99, -1500, 5.016e6, 2.5e9)] == [
        "0 B", "99 B", "-1.5 kB", "5.02 MB", "2.5 GB",
    ]  # fmt: skip
