import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.asset_core.validation import is_name
from targets.asset_core.workers.discovery import (
    ASSET_LIMIT,
    LABELS,
    DiscoverBody,
    check_discovery,
    derive,
)


def found(scope, seeds=(), ranges=()):
    assets, outside, truncated = derive(DiscoverBody(tuple(scope), tuple(seeds), tuple(ranges)))
    return {each.id: each for each in assets}, outside, truncated


def test_a_domain_gives_itself_and_the_usual_hosts_below_it():
    assets, outside, truncated = found(["example.com"], ["Example.COM."])
    assert set(assets) == {"domain:example.com", *(f"host:{label}.example.com" for label in LABELS)}
    host = assets["host:www.example.com"]
    assert (host.type, host.name, host.parent, host.kind) == (
        "host",
        "www.example.com",
        "domain:example.com",
        "RESOLVES_TO",
    )
    assert (outside, truncated) == ([], False)


def test_a_range_gives_itself_and_its_addresses():
    assets, _, _ = found(["192.0.2.0/24"], ranges=["192.0.2.8/30"])
    assert set(assets) == {"address:192.0.2.8-30", "address:192.0.2.9", "address:192.0.2.10"}
    assert assets["address:192.0.2.9"].parent == "address:192.0.2.8-30"
    assert assets["address:192.0.2.9"].kind == "HOSTS"


def test_a_single_address_has_no_range_around_it():
    assets, _, _ = found(["2001:db8::/32"], ranges=["2001:db8::7/128"])
    assert list(assets) == ["address:2001:db8::7"]
    assert assets["address:2001:db8::7"].parent is None


@pytest.mark.parametrize(
    ("scope", "seeds"),
    [
        (["example.com"], ["example.org"]),
        (["example.com"], ["notexample.com"]),
        (["deep.example.com"], ["other.example.com"]),
    ],
)
def test_names_outside_the_scope_are_not_kept_and_the_seed_is_named(scope, seeds):
    assert found(scope, seeds) == ({}, seeds, False)


def test_a_seed_above_the_scope_gives_only_what_lies_in_it_and_no_relationship_out_of_it():
    assets, outside, _ = found(["www.example.com"], ["example.com"])
    assert list(assets) == ["host:www.example.com"]
    assert assets["host:www.example.com"].parent is None
    assert outside == []


def test_of_a_range_only_the_part_in_the_scope_is_kept_however_large_the_range():
    assets, _, _ = found(["10.200.0.0/30", "10.200.0.0/31"], ranges=["10.0.0.0/8"])
    assert set(assets) == {"address:10.200.0.0-30", "address:10.200.0.1", "address:10.200.0.2"}
    assert found(["10.0.0.0/8"], ranges=["192.0.2.0/24", "2001:db8::/64"])[1] == [
        "192.0.2.0/24",
        "2001:db8::/64",
    ]


def test_what_is_too_much_is_cut_and_said_so():
    assets, _, truncated = found(["::/0"], ranges=["2001:db8::/64"])
    assert (len(assets), truncated) == (ASSET_LIMIT, True)


def test_the_same_found_twice_is_kept_once_with_what_leads_to_it():
    assets, _, _ = found(
        ["example.com", "192.0.2.0/24"], ["example.com"] * 2, ["192.0.2.1/32", "192.0.2.0/30"]
    )
    assert assets["address:192.0.2.1"].parent == "address:192.0.2.0-30"
    assert len(assets) == 1 + len(LABELS) + 3


@pytest.mark.parametrize("name", ["", "com", "a..b.com", "-a.com", "a-.com", "a b.com", "exa_mple.com", "a.com/x",
                                  "a" * 64 + ".com", "a." * 60 + "com", "192.0.2.1", "ä.com", "a.com\n"])  # fmt: skip
def test_what_is_no_domain_is_named(name):
    assert [field for field, _ in check_discovery(DiscoverBody(("example.com",), ("ok.com", name)))] == [
        "data.seeds[1]"
    ]


@pytest.mark.parametrize("text", ["", "x", "192.0.2.1/24", "192.0.2.0/33", "fe80::1%eth0/128", "1"])
def test_what_is_no_network_is_named(text):
    assert [field for field, _ in check_discovery(DiscoverBody(("example.com",), (), (text,)))] == [
        "data.ranges[0]"
    ]


def test_a_scope_holds_domains_and_networks_and_nothing_else():
    body = DiscoverBody(("example.com", "192.0.2.0/24", "2001:db8::/32", "x y"))
    assert [field for field, _ in check_discovery(body)] == ["data.scope[3]"]


NETWORKS = st.builds(
    lambda address, bits: str(ipaddress.ip_network((address, bits), strict=False)),
    st.integers(0, 2**32 - 1),
    st.integers(20, 32),
)


@given(st.lists(NETWORKS, min_size=1, max_size=4), st.lists(NETWORKS, max_size=4))
def test_everything_found_is_in_the_scope_and_has_a_name_that_can_be_stored(scope, ranges):
    # Ranges that lie in the scope, and some that do not.
    assets, _, _ = found(scope, ranges=[*ranges, *scope])
    networks = [ipaddress.ip_network(each) for each in scope]
    assert len(assets) <= ASSET_LIMIT
    for each in assets.values():
        assert is_name(each.id)
        assert each.parent is None or each.parent in assets
        own = ipaddress.ip_network(each.name)
        assert any(own.subnet_of(network) for network in ipaddress.collapse_addresses(networks))
