import collections
import hashlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from targets.asset_core.data.generator import HUB_DEGREE, SHARED_ID, SIZES, Inventory
from targets.asset_core.data.popularity import Zipf
from targets.asset_core.errors import DataError
from targets.asset_core.feed import make_feed, severity_of
from targets.asset_core.validation import is_name


def digest(inventory):
    state = hashlib.sha256()
    for bundle in inventory:
        state.update(msgspec.json.encode(bundle))
    return state.hexdigest()


def test_the_same_seed_gives_the_same_data_bit_for_bit():
    # A fixed value: another interpreter, machine or day must not change it either.
    assert digest(Inventory("small", 7)) == "1ef7b2cb890e2988e2eb34359b4ff73fbc6ea0e6524d6786a58df8f0b35667e5"


@settings(max_examples=20)
@given(st.sampled_from(list(SIZES)), st.integers(-(2**40), 2**40), st.floats(0, 0.999))
def test_every_size_and_seed_gives_the_same_bytes_again_whatever_was_made_before(size, seed, share):
    one, other = Inventory(size, seed), Inventory(size, seed)
    number = int(share * len(one))
    for before in range(3):
        one.bundle(before)
    assert msgspec.json.encode(one.bundle(number)) == msgspec.json.encode(other.bundle(number))
    assert one.identity(number) == (one.bundle(number).asset.tenant, one.bundle(number).asset.id)
    assert (
        [(own.first, own.count) for own in one.tenants][-1][0] < len(one) == sum(t.count for t in one.tenants)
    )


def test_another_seed_gives_other_data():
    assert digest(Inventory("small", 1)) != digest(Inventory("small", 2))


def test_any_asset_can_be_made_without_the_others():
    inventory = Inventory("small", 3)
    assert list(inventory)[321] == inventory.bundle(321)
    assert inventory.identity(321) == (inventory.bundle(321).asset.tenant, inventory.bundle(321).asset.id)


@pytest.mark.parametrize("size", ["small", "medium"])
def test_sizes_hold_what_they_say_with_unique_valid_ids(size):
    inventory = Inventory(size, 1)
    identities = {inventory.identity(number) for number in range(len(inventory))}
    assert len(identities) == SIZES[size][0]
    assert len(inventory.tenants) == SIZES[size][1]
    assert all(is_name(tenant) and is_name(asset_id) for tenant, asset_id in identities)


def test_every_tenant_has_its_own_asset_under_the_shared_id():
    inventory = Inventory("small", 1)
    shared = [bundle.asset for bundle in inventory if bundle.asset.id == SHARED_ID]
    assert [asset.tenant for asset in shared] == [tenant.name for tenant in inventory.tenants]
    assert len({asset.description + asset.owner + asset.first_seen for asset in shared}) > 1


def test_relationships_stay_in_the_tenant_and_never_point_to_the_asset_itself():
    inventory = Inventory("small", 1)
    identities = {inventory.identity(number) for number in range(len(inventory))}
    for bundle in inventory:
        for relationship in bundle.relationships:
            assert (bundle.asset.tenant, relationship.target) in identities
            assert relationship.target != bundle.asset.id


def test_the_data_has_the_skew_of_real_inventories():
    bundles = list(Inventory("medium", 1))
    degrees = sorted(len(bundle.relationships) for bundle in bundles)
    severities = collections.Counter(risk.severity for bundle in bundles for risk in bundle.risks)
    assert degrees[0] == 0
    assert degrees[len(degrees) // 2] <= 4
    assert degrees[-1] >= HUB_DEGREE - 1
    assert severities["critical"] < severities["high"] < severities["medium"]
    assert any(not bundle.risks and not bundle.technologies for bundle in bundles)
    assert any(not bundle.asset.name.isascii() for bundle in bundles)
    assert max(len(bundle.asset.description) for bundle in bundles) > 1_500
    assert {bundle.asset.type for bundle in bundles} == {"domain", "host", "address", "service", "cloud"}
    assert any(bundle.asset.id.startswith("address:2001:db8::") for bundle in bundles)


def test_an_unknown_size_is_refused_with_the_known_ones():
    with pytest.raises(DataError, match="small, medium, large"):
        Inventory("huge", 1)


def test_severity_follows_the_cvss_rating_scale():
    assert [severity_of(score) for score in (0.0, 0.1, 3.9, 4.0, 6.9, 7.0, 8.9, 9.0, 10.0)] == [
        "none", "low", "low", "medium", "medium", "high", "high", "critical", "critical",
    ]  # fmt: skip


def test_the_feed_names_each_vulnerability_once():
    feed = make_feed(1)
    assert len({entry.cve for entry in feed}) == len(feed)
    assert 0 < sum(entry.exploitability == "known_exploited" for entry in feed) < len(feed) / 5


def test_zipf_draws_follow_the_harmonic_weights():
    import random

    zipf, rng = Zipf(100, 1.0, seed=1), random.Random(5)
    counts = collections.Counter(zipf.draw(rng) for _ in range(50_000)).most_common()
    harmonic = sum(1 / rank for rank in range(1, 101))
    assert counts[0][1] / 50_000 == pytest.approx(1 / harmonic, rel=0.05)
    assert counts[1][1] / counts[0][1] == pytest.approx(0.5, rel=0.1)
