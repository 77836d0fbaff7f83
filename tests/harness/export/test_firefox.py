"""Export to the Firefox Profiler: the published shape of its tables, and the same stacks and weights in them."""

import gzip
import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.export.firefox import VERSION, as_firefox
from harness.export.stacks import Stacks
from harness.profiles.stacks.folded import Profile

frames = st.text(min_size=1, max_size=8)
profiles = st.dictionaries(
    st.lists(frames, min_size=1, max_size=5).map(tuple), st.integers(1, 10**6), max_size=8
).map(lambda stacks: Profile("samples", stacks))
INDEX = {"type": "integer", "minimum": 0}
MAYBE = {"type": ["integer", "null"]}
TEXT = {"type": "string"}
NUMBER = {"type": "number"}


def table(**columns):
    """Return the schema of a table: these columns and no others, and its length."""
    return {
        "type": "object",
        "required": [*columns, "length"],
        "additionalProperties": False,
        "properties": {name: {"type": "array", "items": kind} for name, kind in columns.items()}
        | {"length": INDEX},
    }


# Version 60 of src/types/profile.ts of firefox-devtools/profiler: the fields that are not optional there.
SHARED = {
    "stackTable": table(frame=INDEX, prefix=MAYBE),
    "frameTable": table(
        address=NUMBER, inlineDepth=INDEX, category=MAYBE, subcategory=MAYBE, func=INDEX, nativeSymbol=MAYBE,
        innerWindowID=MAYBE, line=MAYBE, column=MAYBE,
    ),
    "funcTable": table(
        name=INDEX, isJS={"type": "boolean"}, relevantForJS={"type": "boolean"}, resource=NUMBER, source=MAYBE,
        lineNumber=MAYBE, columnNumber=MAYBE,
    ),
    "resourceTable": table(lib=MAYBE, name=INDEX, host=MAYBE, type=INDEX),
    "nativeSymbols": table(libIndex=INDEX, address=INDEX, name=INDEX, functionSize=MAYBE),
    "sources": table(uuid={"type": ["string", "null"]}, filename=INDEX),
    "stringArray": {"type": "array", "items": TEXT},
}  # fmt: skip
THREAD = {
    "processType": TEXT, "processStartupTime": NUMBER, "processShutdownTime": {"type": ["number", "null"]},
    "registerTime": NUMBER, "unregisterTime": {"type": ["number", "null"]}, "pausedRanges": {"type": "array"}, "name": TEXT,
    "isMainThread": {"type": "boolean"}, "pid": TEXT, "tid": {"type": ["number", "string"]},
    "samples": {
        "type": "object", "required": ["stack", "time", "weight", "weightType", "length"],
        "properties": {
            "stack": {"type": "array", "items": MAYBE}, "weight": {"type": "array", "items": NUMBER},
            "weightType": {"enum": ["samples", "tracing-ms", "bytes"]},
        },
    },
    "markers": table(data={}, name=INDEX, startTime=NUMBER, endTime=NUMBER, phase=INDEX, category=INDEX),
}  # fmt: skip
META = {
    "interval": NUMBER, "startTime": NUMBER, "processType": NUMBER, "product": TEXT, "stackwalk": {"enum": [0, 1]},
    "version": NUMBER, "preprocessedProfileVersion": {"const": VERSION}, "markerSchema": {"type": "array"},
    "categories": {
        "type": "array", "contains": {"properties": {"color": {"const": "grey"}}},
        "items": {"required": ["name", "color", "subcategories"]},
    },
}  # fmt: skip


def whole(properties, **more):
    return {"type": "object", "required": [*properties], "properties": properties, **more}


SCHEMA = whole(
    {
        "meta": whole(META),
        "libs": {"type": "array"},
        "shared": whole(SHARED, additionalProperties=False),
        "threads": {"type": "array", "items": whole(THREAD)},
    }
)


def read(product, found):
    """Return the document, checked as a reader of the format would stumble over it."""
    document = json.loads(gzip.decompress(as_firefox(product, found)))
    jsonschema.validate(document, SCHEMA)
    tables = [one for one in document["shared"].values() if isinstance(one, dict)]
    tables += [part[name] for part in document["threads"] for name in ("samples", "markers")]
    for one in tables:
        assert {len(column) for column in one.values() if isinstance(column, list)} == {one["length"]}
    prefixes = document["shared"]["stackTable"]["prefix"]
    assert all(prefix is None or prefix < place for place, prefix in enumerate(prefixes))
    return document


def stacks_of(document, which):
    shared, samples = document["shared"], document["threads"][which]["samples"]
    names = [shared["stringArray"][name] for name in shared["funcTable"]["name"]]
    files = [
        None if source is None else shared["stringArray"][shared["sources"]["filename"][source]]
        for source in shared["funcTable"]["source"]
    ]

    def above(node):
        while node is not None:
            function = shared["frameTable"]["func"][shared["stackTable"]["frame"][node]]
            yield f"{names[function]} ({files[function]})" if files[function] else names[function]
            node = shared["stackTable"]["prefix"][node]

    stacks = [tuple(above(leaf))[::-1] for leaf in samples["stack"]]
    return list(zip(stacks, samples["weight"], strict=True))


@given(profiles, profiles)
def test_every_stack_of_every_profile_comes_back_with_its_weight(first, second):
    document = read("shop", [Stacks("cpu", "a", first), Stacks("wait", "a", second)])
    for which, profile in enumerate((first, second)):
        named = [
            (tuple(frame.encode("utf-8", "replace").decode() for frame in stack), weight)
            for stack, weight in profile.stacks.items()
        ]
        assert stacks_of(document, which) == named


def test_operations_are_categories_and_lines_stand_with_the_frames():
    stacks = {
        ("operation:GET /a", "f (m/x.py)"): 3,
        ("operation:GET /b", "f (m/x.py)"): 2,
        ("(driver)", "g (m/y.py)"): 1,
    }
    document = read("shop", [Stacks("cpu", "base", Profile("samples", stacks, {"f (m/x.py)": 12}))])
    assert [one["name"] for one in document["meta"]["categories"]] == ["Other", "GET /a", "GET /b"]
    frames, leaves = document["shared"]["frameTable"], document["threads"][0]["samples"]["stack"]
    of_leaf = [document["shared"]["stackTable"]["frame"][leaf] for leaf in leaves]
    assert [frames["category"][frame] for frame in of_leaf] == [1, 2, 0]
    assert [frames["line"][frame] for frame in of_leaf] == [12, 12, None]
    assert document["threads"][0]["processName"] == "base"


@pytest.mark.parametrize(
    ("unit", "kind", "weight"), [("samples", "samples", 4), ("bytes", "bytes", 4), ("ns", "tracing-ms", 4e-6)]
)
def test_weights_have_the_units_of_the_format(unit, kind, weight):
    document = read("shop", [Stacks("x", "base", Profile(unit, {("a",): 4}))])
    samples = document["threads"][0]["samples"]
    assert (samples["weightType"], samples["weight"]) == (kind, [pytest.approx(weight)])
