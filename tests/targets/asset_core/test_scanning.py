import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.asset_core.feed import Vulnerability
from targets.asset_core.model import Risk, Technology
from targets.asset_core.workers.scanning import find_matches, risk_of
from targets.asset_core.workers.tools import by_product
from targets.asset_core.workers.versions import is_affected, parse_version


def entry(first="1.0", fixed="2.0", cve="CVE-1", product="nginx", exploitability="none", cvss=7.5):
    return Vulnerability(cve, product, "a title", cvss, exploitability, first, fixed)


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("1.0", True),
        ("1.0.0", True),
        ("1.9.99", True),
        ("1.10", True),
        ("0.9", False),
        ("2.0", False),
        ("2.0.0", False),
        ("10.0", False),
        # A release candidate of the first affected version comes before it, one of the fixed version too.
        ("1.0rc1", False),
        ("2.0rc1", True),
        # What PEP 440 does not know counts as the numbers it begins with.
        ("1.4-ubuntu3", True),
        ("v1.4.0", True),
        ("1.1.1k", True),
        ("2.0p1", False),
        (" 1.5 ", True),
    ],
)
def test_versions_from_the_first_affected_up_to_the_fixed_one_are_affected(version, affected):
    assert is_affected(parse_version(version), entry()) is affected


@pytest.mark.parametrize("text", ["", "latest", "unknown", "-1", "n/a", "ü", "."])
def test_a_version_without_numbers_is_none(text):
    assert parse_version(text) is None


@given(st.text(max_size=30))
def test_no_text_makes_reading_a_version_fail(text):
    parse_version(text)


NUMBERS = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))


@given(NUMBERS, NUMBERS, NUMBERS)
def test_numbers_are_compared_as_numbers(found, first, fixed):
    text = [".".join(map(str, each)) for each in (found, first, fixed)]
    assert is_affected(parse_version(text[0]), entry(text[1], text[2])) is (first <= found < fixed)


def technology(name="nginx", version="1.5"):
    return Technology(name, version, "v", "c")


def test_matches_are_by_product_whatever_its_case_and_each_cve_once():
    feed = by_product(
        [
            entry(cve="CVE-3"),
            entry(cve="CVE-1"),
            entry(cve="CVE-2", product="Größe"),
            entry("3.0", "4.0", "CVE-4"),
        ]
    )
    found = find_matches([technology("NGINX"), technology(), technology("GRÖSSE"), technology("other")], feed)
    assert [each.cve for each in found] == ["CVE-1", "CVE-2", "CVE-3"]
    assert find_matches([technology(version="latest")], feed) == []


def test_a_new_risk_is_open_and_a_known_one_keeps_what_people_decided():
    new = risk_of("host:a", entry(exploitability="known_exploited", cvss=9.8), None, "now")
    assert new == Risk("host:a/CVE-1", "CVE-1", "a title", "critical", 9.8, "known_exploited", "open", "now")
    known = Risk("host:a/CVE-1", "CVE-1", "old", "low", 1.0, "none", "accepted", "before")
    again = risk_of("host:a", entry(), known, "now")
    assert (again.status, again.found_at) == ("accepted", "before")
    assert (again.title, again.severity, again.cvss) == ("a title", "high", 7.5)
