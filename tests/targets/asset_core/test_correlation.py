import pytest
from hypothesis import given
from hypothesis import strategies as st

from targets.asset_core.model import Relationship, Risk
from targets.asset_core.risk import risk_score
from targets.asset_core.workers.correlation import correlate, shortest_paths


def links(**targets):
    return {
        asset: [Relationship("HOSTS", target, "host") for target in found] for asset, found in targets.items()
    }


def risk(cve="CVE-1", cvss=10.0, exploitability="known_exploited", status="open"):
    return Risk(f"r/{cve}", cve, "", "", cvss, exploitability, status, "")


def test_a_risk_weighs_less_with_each_hop():
    # Its own: 0.5; one hop away: 0.8 * 0.5 = 0.4; two: 1.0 * 0.25. 1 - 0.5 * 0.6 * 0.75 = 0.775.
    found = correlate(
        "a",
        links(a="b", b="c"),
        {"a": [risk("CVE-1", 5.0)], "b": [risk("CVE-2", 8.0)], "c": [risk("CVE-3")]},
        hops=2,
        decay=0.5,
    )
    assert found.exposure == 77.5
    assert [(path.assets, path.cve, path.weight) for path in found.paths] == [
        (("a",), "CVE-1", 0.5),
        (("a", "b"), "CVE-2", 0.4),
        (("a", "b", "c"), "CVE-3", 0.25),
    ]


def test_what_lies_beyond_the_hops_does_not_count():
    risks = {"c": [risk()]}
    assert correlate("a", links(a="b", b="c"), risks, hops=1, decay=0.5).exposure == 0.0
    assert correlate("a", links(a="b", b="c"), risks, hops=2, decay=0.5).exposure == 25.0


def test_the_same_vulnerability_counts_once_where_it_weighs_most():
    # One hop away with 4.0: 0.2; two hops away with 10.0: 0.25, which weighs more although it is further.
    found = correlate("a", links(a="b", b="c"), {"b": [risk(cvss=4.0)], "c": [risk()]}, hops=2, decay=0.5)
    assert found.exposure == 25.0
    assert [path.assets for path in found.paths] == [("a", "b", "c")]


def test_of_several_ways_the_shortest_counts_and_of_these_the_first_by_id():
    web = links(a="xbc", x="d", b="d", c="d", d="e")
    assert shortest_paths("a", web, 3)["e"] == ("a", "b", "d", "e")
    assert shortest_paths("a", links(a="bc", b="c"), 3)["c"] == ("a", "c")


def test_circles_end():
    found = correlate("a", links(a="b", b="ac", c="a"), {"a": [risk(cvss=5.0)]}, hops=5, decay=1.0)
    assert found.exposure == 50.0


def test_closed_risks_do_not_count():
    risks = {"a": [risk(status="fixed"), risk("CVE-2", status="accepted")]}
    assert correlate("a", {}, risks, hops=1, decay=1.0).exposure == 0.0


def test_at_most_ten_paths_are_named_the_worst_first():
    found = correlate("a", {}, {"a": [risk(f"CVE-{n:02d}", n / 2) for n in range(20)]}, hops=0, decay=1.0)
    assert [path.cve for path in found.paths] == [f"CVE-{n:02d}" for n in range(19, 9, -1)]


NAMES = st.sampled_from("abcdefg")
WEBS = st.dictionaries(NAMES, st.lists(NAMES, max_size=4))
RISKS = st.dictionaries(
    NAMES,
    st.lists(
        st.builds(
            risk,
            st.sampled_from([f"CVE-{n}" for n in range(8)]),
            st.floats(0, 10),
            st.sampled_from(["known_exploited", "proof_of_concept", "none"]),
            st.sampled_from(["open", "open", "fixed"]),
        ),
        max_size=3,
    ),
)
HOPS, DECAYS = st.integers(0, 5), st.floats(0, 1)


def walks(web, start, hops):
    """Every walk of at most so many hops: the definition, without any of its shortcuts."""
    found = [(start,)]
    yield from found
    for _ in range(hops):
        found = [(*walk, link.target) for walk in found for link in web.get(walk[-1], [])]
        found = list(dict.fromkeys(found))
        yield from found


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=3)), st.integers(0, 4))
def test_paths_are_the_shortest_of_all_walks(targets, hops):
    web = links(**targets)
    expected = {}
    for walk in walks(web, "a", hops):
        best = expected.get(walk[-1])
        if best is None or (len(walk), walk) < (len(best), best):
            expected[walk[-1]] = walk
    assert shortest_paths("a", web, hops) == expected


@given(WEBS, RISKS, HOPS, DECAYS)
def test_an_exposure_lies_between_that_of_fewer_hops_and_100(targets, risks, hops, decay):
    web = links(**targets)
    near = correlate("a", web, risks, 0, decay).exposure
    found = correlate("a", web, risks, hops, decay).exposure
    assert 0 <= near <= found <= 100


@given(WEBS, RISKS, HOPS, DECAYS, DECAYS)
def test_less_decay_never_makes_an_exposure_smaller(targets, risks, hops, one, other):
    web = links(**targets)
    low, high = sorted((one, other))
    assert correlate("a", web, risks, hops, low).exposure <= correlate("a", web, risks, hops, high).exposure


@given(st.lists(st.tuples(st.floats(0, 10), st.sampled_from(["known_exploited", "none"])), max_size=8))
def test_without_neighbours_the_exposure_is_the_risk_score(found):
    risks = [risk(f"CVE-{n}", cvss, exploitability) for n, (cvss, exploitability) in enumerate(found)]
    assert correlate("a", {}, {"a": risks}, 3, 0.5).exposure == pytest.approx(risk_score(risks), abs=0.011)


@given(WEBS, RISKS, HOPS, DECAYS, st.randoms())
def test_the_order_of_what_the_stores_return_does_not_matter(targets, risks, hops, decay, rng):
    def shuffled(mapping):
        entries = [(name, rng.sample(found, len(found))) for name, found in mapping.items()]
        return dict(rng.sample(entries, len(entries)))

    web = links(**targets)
    expected = correlate("a", web, risks, hops, decay)
    assert correlate("a", shuffled(web), shuffled(risks), hops, decay) == expected
