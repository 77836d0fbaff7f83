import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.asset_core.cache.breaker import Breaker
from targets.asset_core.cache.entry import Entry
from targets.asset_core.cache.flight import SingleFlight
from targets.asset_core.cache.levels import AssetCache
from targets.asset_core.cache.local import LocalCache
from targets.asset_core.cache.record import pack, unpack
from targets.asset_core.cache.shared import SharedCache
from targets.asset_core.counting import Tally
from targets.asset_core.encoding import encode_plainly
from targets.asset_core.errors import DeadlineError, StoreError
from targets.asset_core.keys import cache_key
from targets.asset_core.model import SCHEMA, FullAsset
from targets.asset_core.scope import Scope
from targets.asset_core.tracing import Tracing
from tests.targets.asset_core.shelf import Shelf


class Levels:
    """An asset cache whose databases are counted and can run a function in the middle of a fetch."""

    def __init__(self, clock, inventory, *, l1=True, l2=True, encoded=True, shelf=None):
        self.shelf, self.fetches, self.during = shelf or Shelf(), 0, lambda: None
        self.bundle = inventory.bundle(0)
        self.l1 = LocalCache(clock.read) if l1 else None
        self.cache = AssetCache(
            fetch=self.fetch,
            encode=encode_plainly,
            clocks=clock.clocks,
            rng=random.Random(1),
            l1=self.l1,
            l2=SharedCache(self.shelf, Breaker(clock.read)) if l2 else None,
            single_flight=None,
            encoded=encoded,
            tracing=Tracing(),
        )

    def fetch(self, tenant, asset_id, scope):
        self.fetches += 1
        self.during()
        if asset_id == "gone":
            return None
        bundle = self.bundle
        parts = bundle.risks, bundle.technologies, bundle.relationships
        return FullAsset(bundle.asset, 1.0, None, *parts, False)

    def load(self, asset_id="a"):
        scope = Scope(float("inf"), Tally())
        entry = self.cache.load("acme", asset_id, scope)
        for task in scope.afterwards:
            task()
        return entry, scope.tally.totals()


@pytest.fixture
def levels(clock, inventory):
    return Levels(clock, inventory)


def entry_of(size):
    return Entry(0.0, body=b"x" * size, etag="e")


def test_l1_forgets_the_least_recently_used_when_it_has_too_many_entries(clock):
    cache = LocalCache(clock.read, entry_limit=2)
    for key in ("a", "b"):
        cache.put(key, entry_of(1), 60, 1)
    cache.get("a")
    cache.put("c", entry_of(1), 60, 1)
    assert [cache.get(key) is not None for key in ("a", "b", "c")] == [True, False, True]
    assert cache.view().evictions == 1


def test_l1_is_bounded_by_bytes(clock):
    cache = LocalCache(clock.read, byte_limit=100)
    for key in "abc":
        cache.put(key, entry_of(1), 60, 40)
    assert (cache.view().entries, cache.view().bytes) == (2, 80)
    cache.put("big", entry_of(1), 60, 101)
    assert cache.get("big") is None
    assert cache.view().entries == 2


def test_l1_replaces_and_counts_bytes_once(clock):
    cache = LocalCache(clock.read)
    cache.put("a", entry_of(1), 60, 40)
    cache.put("a", entry_of(1), 60, 30)
    assert cache.view().bytes == 30
    cache.remove("a")
    cache.remove("a")
    assert cache.view().bytes == 0


def test_l1_entries_live_until_their_time(clock):
    cache = LocalCache(clock.read)
    cache.put("a", entry_of(1), 60, 1)
    clock.advance(59.9)
    assert cache.get("a") is not None
    clock.advance(0.1)
    assert cache.get("a") is None
    assert (cache.view().expirations, cache.view().entries) == (1, 0)


@given(st.floats(0, 2e9), st.none() | st.binary(max_size=200))
def test_a_record_reads_back_as_it_was_packed(fetched_at_s, body):
    record = unpack(pack(fetched_at_s, body))
    assert (record.fetched_at_s, record.body) == (fetched_at_s, body)


@given(st.binary(max_size=100))
def test_foreign_bytes_are_no_record(data):
    assert unpack(data) is None


@given(st.binary(min_size=1, max_size=64), st.integers(0), st.integers(1, 255))
def test_a_record_with_any_byte_changed_is_a_miss(body, position, change):
    packed = bytearray(pack(1.0, body))
    packed[position % len(packed)] ^= change
    assert unpack(bytes(packed)) is None


def test_an_older_schema_is_a_miss(monkeypatch):
    packed = pack(1.0, b"x")
    monkeypatch.setattr("targets.asset_core.cache.record.SCHEMA", SCHEMA + 1)
    assert unpack(packed) is None


def test_the_breaker_opens_after_failures_in_a_row_and_lets_one_probe_through_for_each_pause(clock):
    breaker = Breaker(clock.read, failure_limit=2)
    breaker.fail()
    breaker.succeed()
    breaker.fail()
    assert breaker.allow()
    breaker.fail()
    assert not breaker.allow()
    clock.advance(1.0)
    assert [breaker.allow(), breaker.allow()] == [True, False]
    breaker.fail()
    clock.advance(1.9)
    assert not breaker.allow()
    clock.advance(0.2)
    assert breaker.allow()
    breaker.succeed()
    assert [breaker.allow(), breaker.allow(), breaker.closed] == [True, True, True]


def test_the_breakers_pause_never_exceeds_its_limit(clock):
    breaker = Breaker(clock.read, failure_limit=1)
    for _ in range(20):
        breaker.fail()
    clock.advance(30.0)
    assert breaker.allow()


def test_a_miss_fills_both_levels_and_each_serves_the_next_load(levels):
    first, counted = levels.load()
    assert (counted["cache.l1.miss"], counted["cache.l2.miss"], counted["cache.l3.fetch"]) == (1, 1, 1)
    second, counted = levels.load()
    assert counted == {"cache.l1.hit": 1}
    assert second is first
    levels.l1.remove(cache_key("acme", "a"))
    third, counted = levels.load()
    assert (counted["cache.l2.hit"], levels.fetches) == (1, 1)
    assert (third.body, third.etag, third.fetched_at_s) == (first.body, first.etag, first.fetched_at_s)


def test_l2_is_filled_only_after_the_answer_is_made(levels):
    scope = Scope(float("inf"), Tally())
    levels.cache.load("acme", "a", scope)
    assert levels.shelf.values == {}
    assert len(scope.afterwards) == 1


def test_times_to_live_are_at_most_a_tenth_shorter_than_asked(clock, inventory):
    levels = Levels(clock, inventory)
    for number in range(200):
        levels.load(f"a{number}")
    ttls = list(levels.shelf.ttls.values())
    assert 810 <= min(ttls) < 830
    assert 880 < max(ttls) <= 900
    lives = [slot[0] - clock.now_s for slot in levels.l1._slots.values()]
    assert 270 <= min(lives) < 275
    assert 295 < max(lives) <= 300


def test_an_l2_hit_lives_in_l1_no_longer_than_its_whole_age_allows(clock, inventory):
    levels = Levels(clock, inventory)
    levels.load()
    clock.advance(800)
    _, counted = levels.load()
    assert counted["cache.l2.hit"] == 1
    clock.advance(99)
    assert levels.load()[1] == {"cache.l1.hit": 1}
    clock.advance(2)
    # Redis would have dropped it by now; even if not, its age makes it a miss.
    assert levels.load()[1]["cache.l3.fetch"] == 1


def test_that_an_asset_is_missing_is_remembered_for_five_seconds_in_both_levels(clock, inventory):
    levels = Levels(clock, inventory)
    assert levels.load("gone")[0].missing
    assert levels.load("gone")[1] == {"cache.l1.hit": 1}
    levels.l1.remove(cache_key("acme", "gone"))
    assert levels.load("gone")[1]["cache.l2.hit"] == 1
    clock.advance(5)
    assert levels.load("gone")[1]["cache.l3.fetch"] == 1


def test_a_corrupt_entry_in_l2_is_a_miss_and_is_replaced(levels):
    key = cache_key("acme", "a")
    levels.shelf.values[key] = b"\x00garbage"
    _, counted = levels.load()
    assert (counted["cache.l2.corrupt"], counted["cache.l2.miss"], counted["cache.l3.fetch"]) == (1, 1, 1)
    assert unpack(levels.shelf.values[key]) is not None


def test_forgetting_everything_empties_this_process_and_discards_what_is_being_fetched(levels, scope):
    levels.load()
    levels.cache.forget_all()
    assert levels.l1.view().entries == levels.l1.view().bytes == 0
    levels.shelf.values.clear()
    levels.during = levels.cache.forget_all
    levels.load()
    assert levels.l1.view().entries == 0
    assert levels.shelf.values == {}


def test_an_invalidation_empties_both_levels(levels, scope):
    levels.load()
    levels.cache.invalidate("acme", ["a"], scope)
    assert levels.shelf.values == {}
    assert levels.load()[1]["cache.l3.fetch"] == 1


def test_a_fill_that_began_before_an_invalidation_is_discarded(levels, scope):
    puts = []
    levels.l1.put = lambda *arguments: puts.append(arguments)
    levels.during = lambda: levels.cache.invalidate("acme", ["a"], scope)
    levels.load()
    assert puts == []
    assert levels.shelf.values == {}
    assert levels.l1.view().entries == 0


def test_an_invalidation_between_the_answer_and_the_fill_of_l2_wins(levels, scope):
    later = Scope(float("inf"), Tally())
    levels.cache.load("acme", "a", later)
    levels.cache.invalidate("acme", ["a"], scope)
    calls = levels.shelf.calls
    later.afterwards[0]()
    assert levels.shelf.values == {}
    assert levels.shelf.calls == calls


@pytest.mark.parametrize("level", ["l1", "shelf"])
def test_an_invalidation_in_the_middle_of_a_fill_wins(levels, scope, level):
    filled = getattr(levels, level)
    put = filled.put

    def put_and_invalidate(*arguments):
        levels.cache.invalidate("acme", ["a"], scope)
        put(*arguments)

    filled.put = put_and_invalidate
    levels.load()
    assert (levels.shelf.values if level == "shelf" else levels.l1._slots) == {}


def test_caches_of_objects_give_the_same_body_from_every_level(clock, inventory):
    shelf = Shelf()
    objects, bytes_ = Levels(clock, inventory, encoded=False, shelf=shelf), Levels(clock, inventory)
    expected = bytes_.load()[0].body
    assert encode_plainly(objects.load()[0].document) == expected
    objects.l1.remove(cache_key("acme", "a"))
    entry, counted = objects.load()
    assert counted["cache.l2.hit"] == 1
    assert encode_plainly(entry.document) == expected


def test_without_redis_loads_succeed_and_after_three_failures_it_is_left_alone(levels, clock):
    levels.shelf.failing = True
    for number in range(5):
        assert not levels.load(f"a{number}")[0].missing
    assert levels.shelf.calls == 3
    clock.advance(1)
    levels.shelf.failing = False
    levels.load("b")
    assert levels.shelf.calls == 5


def test_keys_of_different_tenants_and_ids_never_meet():
    names = ["a", "a:b", "b", ":", "%3A", "a%3Ab", "full", "a:full", ""]
    keys = {cache_key(tenant, asset_id) for tenant in names for asset_id in names}
    assert len(keys) == len(names) ** 2


def test_followers_get_the_leaders_error():
    flight, started, release, errors, runs = SingleFlight(), threading.Event(), threading.Event(), [], []

    def work():
        runs.append(1)
        started.set()
        release.wait(10)
        raise StoreError("down", where="neo4j")

    def call():
        try:
            flight.run("k", work, Scope(float("inf"), tally))
        except StoreError as error:
            errors.append(error.where)

    tally = Tally()
    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    started.wait(10)
    while tally.totals().get("cache.flight.joined", 0) < 2:
        pass
    release.set()
    for thread in threads:
        thread.join()
    assert errors == ["neo4j"] * 3
    assert runs == [1]


def test_a_follower_with_time_left_leads_when_the_leaders_time_ran_out():
    flight, tally, release, results = SingleFlight(), Tally(), threading.Event(), []
    found = Entry(1.0, body=b"x", etag="e")

    def too_late():
        release.wait(10)
        raise DeadlineError("the leader's time is used up")

    def lead():
        with pytest.raises(DeadlineError):
            flight.run("k", too_late, Scope(float("inf"), tally))

    leader = threading.Thread(target=lead)
    leader.start()
    while "k" not in flight._flights:
        pass
    follower = threading.Thread(
        target=lambda: results.append(flight.run("k", lambda: found, Scope(float("inf"), tally)))
    )
    follower.start()
    while not tally.totals().get("cache.flight.joined"):
        pass
    release.set()
    leader.join()
    follower.join()
    assert results == [found]
    assert flight._flights == {}


def test_a_follower_waits_no_longer_than_its_own_deadline(clock):
    flight, release = SingleFlight(), threading.Event()
    leader = threading.Thread(
        target=lambda: flight.run("k", lambda: release.wait(10), Scope(float("inf"), Tally()))
    )
    leader.start()
    while "k" not in flight._flights:
        pass
    with pytest.raises(DeadlineError):
        flight.run("k", lambda: None, Scope(clock.now_s + 0.01, Tally(), clock.read))
    release.set()
    leader.join()
