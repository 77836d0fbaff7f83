"""A miss, through the whole handler: four queries at once, on as many connections as there are."""

import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.asset_core.data.generator import SHARED_ID
from targets.asset_core.model import Risk
from targets.asset_core.risk import risk_score
from targets.asset_core.stores.names import DYNAMODB, NEO4J
from targets.asset_core.switches import parse_switches
from targets.asset_core.tracing import Tracing

ASSET = f"/assets/{SHARED_ID}"
IN_TURN = parse_switches("optimised", "parallel_fetch:off")


class Held:
    """Answers of a store that wait until they are let go; `begun` counts the calls that hold a connection."""

    def __init__(self, hosted, *stores):
        self.begun = threading.Semaphore(0)
        self._go = threading.Event()
        for store in stores:
            hosted.world.latencies[store].wait = self._wait

    def _wait(self, _round_trips=1.0):
        self.begun.release()
        assert self._go.wait(20)

    def until(self, calls):
        for _ in range(calls):
            assert self.begun.acquire(timeout=20)

    def let_go(self):
        self._go.set()


def asking(hosted, *paths):
    answers = []
    threads = [
        threading.Thread(target=lambda path=path: answers.append(hosted.get(path)["statusCode"]))
        for path in paths
    ]
    for thread in threads:
        thread.start()
    return threads, answers


def ended(threads, answers):
    for thread in threads:
        thread.join(20)
    return answers


def own_paths(hosted, count):
    ids = [bundle.asset.id for bundle in hosted.inventory if bundle.asset.tenant == "tenant-01"]
    return [f"/assets/{each}" for each in ids[:count]]


def graph_pool(hosted):
    return next(pool for pool in hosted.core.pools() if pool.name == NEO4J)


def test_a_miss_asks_all_four_before_any_has_answered(host):
    hosted = host()
    held = Held(hosted, DYNAMODB, NEO4J)
    running = asking(hosted, ASSET)
    held.until(4)
    held.let_go()
    assert ended(*running) == [200]


def test_without_the_switch_a_query_begins_when_the_one_before_has_answered(host):
    hosted = host(switches=IN_TURN)
    held = Held(hosted, DYNAMODB, NEO4J)
    running = asking(hosted, ASSET)
    held.until(1)
    assert not held.begun.acquire(timeout=0.1)
    held.let_go()
    assert ended(*running) == [200]


def test_two_misses_run_freely_on_five_graph_connections_and_the_third_waits_where_it_is_seen(host):
    hosted = host()
    first, second, third = own_paths(hosted, 3)
    held = Held(hosted, NEO4J)
    running = asking(hosted, first, second)
    held.until(4)
    assert (graph_pool(hosted).in_use, graph_pool(hosted).idle, graph_pool(hosted).waits) == (4, 1, 0)
    late = asking(hosted, third)
    held.until(1)
    assert (graph_pool(hosted).in_use, graph_pool(hosted).idle) == (5, 0)
    assert not held.begun.acquire(timeout=0.1)
    held.let_go()
    assert ended(*running) + ended(*late) == [200] * 3
    view = graph_pool(hosted)
    assert (view.in_use, view.waits, view.timeouts) == (0, 1, 0)
    assert view.wait_ns > 0
    assert hosted.counted()["neo4j.pool_waits"] == 1


def test_the_executor_is_made_once_and_never_has_more_threads_than_it_was_sized_to(host):
    hosted = host()
    before = hosted.resources.executor
    held = Held(hosted, DYNAMODB, NEO4J)
    running = asking(hosted, *own_paths(hosted, 12))
    pool, waiting = before._pool, threading.Event()
    for _ in range(4_000):
        if len(pool._threads) + pool._work_queue.qsize() >= 4 * 12:
            break
        waiting.wait(0.005)
    assert len(pool._threads) == hosted.core._container.plan.profile.fetch_workers == 30
    held.let_go()
    assert set(ended(*running)) == {200}
    assert hosted.resources.executor is before


def test_the_entity_tag_is_of_the_content_and_not_of_its_time(host, clock, issuer):
    hosted = host(clocks=clock.clocks)
    times = {"nbf": clock.now_s - 1, "exp": clock.now_s + 9_000}
    token = issuer.sign(issuer.claims("tenant-01", "ada", role="viewer", use="id") | times)
    first = hosted.get(ASSET, token)["headers"]
    clock.advance(1_000)
    second = hosted.get(ASSET, token)
    assert hosted.counted()["cache.l3.fetch"] == 2
    assert second["headers"]["X-Fetched-At"] != first["X-Fetched-At"]
    assert second["headers"]["ETag"] == first["ETag"]
    unchanged = hosted.get(ASSET, token, **{"If-None-Match": first["ETag"]})
    assert (unchanged["statusCode"], unchanged["body"]) == (304, "")


def test_without_a_provider_spans_are_nothing_at_all():
    tracing = Tracing()
    assert tracing.enabled is False
    assert tracing.span("request", operation="x") is tracing.span("redis.get")
    assert tracing.carry(len) is len


RISKS = st.lists(
    st.builds(
        Risk,
        id=st.just("r"),
        cve=st.just("c"),
        title=st.just(""),
        severity=st.just("low"),
        cvss=st.floats(0, 10),
        exploitability=st.sampled_from(["known_exploited", "proof_of_concept", "none", "?"]),
        status=st.sampled_from(["open", "fixed", "accepted"]),
        found_at=st.just(""),
    ),
    max_size=12,
)


@given(RISKS, RISKS, st.randoms())
def test_a_score_is_within_0_and_100_and_more_risk_in_any_order_never_lowers_it(risks, more, rng):
    score = risk_score(risks)
    assert 0 <= score <= 100
    assert score <= risk_score([*risks, *more])
    assert risk_score(rng.sample(risks, len(risks))) == pytest.approx(score, abs=0.011)


def test_a_score_in_an_answer_is_that_of_its_open_risks(host):
    hosted = host()
    risks = [
        {"id": f"r{number}", "cve": f"c{number}", "cvss": cvss, "exploitability": exploited, "status": status}
        for number, (cvss, exploited, status) in enumerate(
            [(5.0, "known_exploited", "open"), (10.0, "proof_of_concept", "open"), (10.0, "none", "fixed")]
        )
    ]
    hosted.post("/assets", {"assets": [{"id": "host:r", "type": "host", "name": "n", "risks": risks}]})
    # 1 - (1 - 0.5) * (1 - 1.0 * 0.6)
    assert json.loads(hosted.get("/assets/host:r")["body"])["risk_score"] == 80.0
