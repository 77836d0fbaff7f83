"""Whatever fails while assets are written again and again: what is seen is whole, and sending again heals it."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.asset_core.bodies import AssetBody, TechnologyBody, bundle_of
from targets.asset_core.counting import Tally
from targets.asset_core.errors import StoreError
from targets.asset_core.scope import Scope
from targets.asset_core.switches import parse_switches

IDS = ("host:a", "host:b")
NAMES = "tuvwx"
VERSIONS = st.dictionaries(st.sampled_from(IDS), st.sets(st.sampled_from(NAMES)), min_size=1)
REFUSED = st.sets(st.sampled_from(["META", *(f"TECH#{name}" for name in NAMES)]), max_size=3)
ATTEMPTS = st.lists(st.tuples(VERSIONS, REFUSED), max_size=6)


@pytest.fixture
def hosts(host):
    return host(), host(switches=parse_switches("optimised", "batch_writes:off"))


def bundles(number, sets):
    return [
        bundle_of(
            AssetBody(
                id=asset_id,
                type="host",
                name=str(number),
                technologies=tuple(TechnologyBody(name, str(number)) for name in sorted(names)),
            ),
            "acme",
        )
        for asset_id, names in sets.items()
    ]


def refusing(assets, refused):
    """Make the store refuse some items, as it does: one by one, or the whole call."""
    original = type(assets).write_many

    def write_many(writes, scope):
        if any(write.key[1] in refused for write in writes):
            raise StoreError("refused", where="dynamodb")
        return original(assets, writes, scope)

    assets.write_many = write_many


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attempts=ATTEMPTS, last=VERSIONS, singly=st.booleans())
def test_what_is_seen_is_whole_and_sending_again_heals_it(hosts, attempts, last, singly):
    hosted = hosts[singly]
    hosted.world.__init__(())
    stores, ingest = hosted.stores, hosted.resources.ingest
    scope = Scope(float("inf"), Tally())
    sent = {}
    for number, (sets, refused) in enumerate(attempts):
        refusing(stores.assets, refused)
        report = ingest.write("acme", bundles(number, sets), scope)
        sent |= {(asset_id, str(number)): names for asset_id, names in sets.items()}
        failed = {failure.id for failure in report.failures}
        for asset_id in sets.keys() - failed:
            assert stores.assets.get_asset("acme", asset_id, scope).name == str(number)
        see(stores, sent, scope, str(number))
    refusing(stores.assets, set())
    final = bundles(len(attempts), last)
    sent |= {(asset_id, str(len(attempts))): names for asset_id, names in last.items()}
    for _ in range(2):
        assert ingest.write("acme", final, scope).failed == 0
        see(stores, sent, scope, str(len(attempts)))


def see(stores, sent, scope, present):
    """A version that has just become visible is whole; an older one never shows what it does not name."""
    for asset_id in IDS:
        asset = stores.assets.get_asset("acme", asset_id, scope)
        shown = {found.name for found in stores.assets.get_technologies("acme", asset_id, scope)}
        if asset is None:
            assert shown == set()
            continue
        named = sent[asset_id, asset.name]
        assert shown <= named
        if asset.name == present:
            assert shown == named
