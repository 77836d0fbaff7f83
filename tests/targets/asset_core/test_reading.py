import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from targets.asset_core.bodies import BATCH_GET, INGEST, JOB, bundle_of
from targets.asset_core.errors import InvalidRequestError
from targets.asset_core.reading import DEPTH_LIMIT, Reader
from targets.asset_core.request import Request

COMPILED, WALKED = Reader(compiled=True), Reader(compiled=False)
ASSET = {"id": "a", "type": "host", "name": "n"}
RISK = {"id": "r", "cve": "c", "cvss": 1}


def read(reader, body, shape):
    """Return what a reader makes of a body, or the fields that it complains of."""
    try:
        return reader.read(Request("POST", "/", {}, {"body": body}), shape)
    except InvalidRequestError as error:
        return error.fields


def both(body, shape=INGEST):
    text = body if isinstance(body, str) else json.dumps(body)
    compiled, walked = read(COMPILED, text, shape), read(WALKED, text, shape)
    assert compiled == walked
    return compiled


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "assets[0].id"),
        ({"id": "a" * 129}, "assets[0].id"),
        ({"id": "a#b"}, "assets[0].id"),
        ({"id": "a\n"}, "assets[0].id"),
        ({"id": "ä"}, "assets[0].id"),
        ({"id": 1}, "assets[0].id"),
        ({"type": "planet"}, "assets[0].type"),
        ({"type": None}, "assets[0].type"),
        ({"name": "x" * 1_001}, "assets[0].name"),
        ({"criticality": 0}, "assets[0].criticality"),
        ({"criticality": 6}, "assets[0].criticality"),
        ({"criticality": 1.5}, "assets[0].criticality"),
        ({"criticality": True}, "assets[0].criticality"),
        ({"tags": ["x"] * 51}, "assets[0].tags"),
        ({"tags": ["x", 1]}, "assets[0].tags[1]"),
        ({"tags": "x"}, "assets[0].tags"),
        ({"extra": 1}, "assets[0].extra"),
        ({"technologies": [{"name": ""}]}, "assets[0].technologies[0].name"),
        ({"technologies": [{"name": "x" * 201}]}, "assets[0].technologies[0].name"),
        ({"technologies": [{"name": "x"}, {}]}, "assets[0].technologies[1].name"),
        ({"technologies": {}}, "assets[0].technologies"),
        ({"risks": [RISK | {"cvss": 10.1}]}, "assets[0].risks[0].cvss"),
        ({"risks": [RISK | {"cvss": "9"}]}, "assets[0].risks[0].cvss"),
        ({"risks": [RISK | {"cvss": True}]}, "assets[0].risks[0].cvss"),
        ({"risks": [RISK | {"severity": "grave"}]}, "assets[0].risks[0].severity"),
        ({"risks": [RISK | {"severity": None}]}, "assets[0].risks[0].severity"),
        ({"risks": [3]}, "assets[0].risks[0]"),
        ({"relationships": [{"kind": "HAS_RISK", "target": "b", "target_type": "host"}]},
         "assets[0].relationships[0].kind"),
        ({"relationships": [{"kind": "HOSTS", "target": "b'}) //", "target_type": "host"}]},
         "assets[0].relationships[0].target"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_by_its_path(change, field):
    fields = both({"assets": [ASSET | change]})
    assert [path for path, _ in fields] == [field]
    assert all(reason for _, reason in fields)


def test_a_number_without_a_fraction_is_whole_however_it_is_written():
    body = both('{"assets": [{"id": "a", "type": "host", "name": "n", "criticality": 4.0}]}')
    assert (body.assets[0].criticality, type(body.assets[0].criticality)) == (4, int)


@pytest.mark.parametrize("missing", ["id", "type", "name"])
def test_a_missing_field_is_named(missing):
    body = {"assets": [{name: value for name, value in ASSET.items() if name != missing}]}
    assert both(body) == ((f"assets[0].{missing}", "is missing"),)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("{}x", "is not JSON"),
        ('{"assets": NaN}', "is not JSON"),
        ('{"assets": 1e999}', "is not JSON"),
        ('{"a": "\\ud800"}', "is not JSON"),
        ("[]", "must be an object"),
        ("null", "must be an object"),
        ("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT, "must be an object"),
        ("[" * (DEPTH_LIMIT + 2) + "]" * (DEPTH_LIMIT + 2), f"is nested more than {DEPTH_LIMIT} deep"),
        ("[" * 100_000, f"is nested more than {DEPTH_LIMIT} deep"),
        ('{"assets":' * 3_000, f"is nested more than {DEPTH_LIMIT} deep"),
    ],
)
@pytest.mark.parametrize("shape", [INGEST, BATCH_GET, JOB])
def test_what_is_no_usable_json_is_said_of_the_body(body, reason, shape):
    assert both(body, shape) == (("body", reason),)


def test_data_of_a_job_is_bounded_in_depth_as_everything_is():
    def job(depth):
        return '{"kind": "x", "data": {"x": ' + "[" * depth + "]" * depth + "}}"

    assert both(job(DEPTH_LIMIT - 2), JOB).kind == "x"
    assert both(job(DEPTH_LIMIT), JOB) == (("body", f"is nested more than {DEPTH_LIMIT} deep"),)


@pytest.mark.parametrize(("count", "fine"), [(0, False), (1, True), (1_000, True), (1_001, False)])
def test_counts_are_bounded(count, fine):
    assert isinstance(both({"ids": ["a"] * count}, BATCH_GET), tuple) is not fine
    assert isinstance(both({"assets": [ASSET] * count}), tuple) is not fine


def test_at_most_twenty_fields_are_named():
    assert len(both({"ids": [""] * 100}, BATCH_GET)) == 20
    assert len(both({f"x{number}": 1 for number in range(100)}, BATCH_GET)) == 20


def test_of_a_field_sent_twice_the_last_counts_whoever_reads_it():
    assert both('{"ids": 5, "ids": ["a"]}', BATCH_GET).ids == ("a",)
    assert both('{"ids": ["a"], "ids": 5}', BATCH_GET)[0][0] == "ids"


def test_a_body_that_is_not_text_is_missing():
    for event in ({}, {"body": None}, {"body": 5}, {"body": {"ids": ["a"]}}):
        with pytest.raises(InvalidRequestError):
            COMPILED.read(Request("POST", "/", {}, event), BATCH_GET)


TEXT = st.text(max_size=5) | st.sampled_from(["host", "HOSTS", "a:b", "critical", "none", "x" * 201])
SCALAR = (
    st.none() | st.booleans() | st.integers(-2, 12) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
ANY = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2), max_leaves=4
)


def fields(required, **optional):
    mixed = {name: strategy | ANY for name, strategy in optional.items()}
    return st.fixed_dictionaries(required, optional=mixed)


NAME = st.sampled_from(["a", "host:b", "x" * 128, "x" * 129, "a#b", ""])
TECHNOLOGY = fields({"name": TEXT}, version=TEXT, vendor=TEXT)
RISKS = fields(
    {"id": TEXT, "cve": TEXT, "cvss": st.floats(0, 10) | SCALAR},
    severity=st.sampled_from(["high", "none"]),
    status=st.sampled_from(["open", "fixed", "shut"]),
)
LINKS = fields({"kind": st.sampled_from(["HOSTS", "EXPOSES", "x"]), "target": NAME, "target_type": TEXT})
ASSETS = fields(
    {"id": NAME, "type": st.sampled_from(["host", "cloud", "x"]), "name": TEXT},
    criticality=st.integers(0, 6),
    tags=st.lists(TEXT, max_size=3),
    technologies=st.lists(TECHNOLOGY, max_size=2),
    risks=st.lists(RISKS, max_size=2),
    relationships=st.lists(LINKS, max_size=2),
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.fixed_dictionaries({"assets": st.lists(ASSETS | ANY, max_size=2) | ANY}) | ANY)
def test_compiled_types_and_walked_rules_accept_the_same_and_say_the_same(body):
    both(body)


def test_the_tenant_is_the_callers_and_a_technology_named_twice_is_one():
    body = both({"assets": [ASSET | {"technologies": [{"name": "a"}, {"name": "a", "version": "2"}]}]})
    bundle = bundle_of(body.assets[0], "acme")
    assert bundle.asset.tenant == "acme"
    assert [(found.name, found.version) for found in bundle.technologies] == [("a", "2")]
