"""An OpenAPI document gives a request for each operation that has examples of all it needs; the others are named."""

import json

import pytest

from harness.errors import UsageError
from harness.requests.reading import read_requests


@pytest.fixture
def of(tmp_path):
    """Return a function from paths to the requests of their document."""

    def read(paths, *, name="api.json", **more):
        file = tmp_path / name
        file.write_text(json.dumps({"openapi": "3.1.0", "paths": paths, **more}))
        return read_requests(file, None)

    return read


def parameter(name="id", place="path", **more):
    return {"name": name, "in": place, "required": place == "path", **more}


def get(*parameters):
    return {"get": {"parameters": list(parameters), "responses": {}}}


def request(found):
    (template,) = found.templates
    return template.filled({})


@pytest.mark.parametrize(
    "holder",
    [
        {"example": 7},
        {"examples": {"one": {"value": 7}}},
        {"schema": {"type": "integer", "example": 7}},
        {"schema": {"default": 7}},
        {"schema": {"enum": [7, 8]}},
        {"schema": {"examples": [7]}},
        {"schema": {"const": 7}},
        {"schema": {"anyOf": [{"type": "string"}, {"default": 7}]}},
    ],
)
def test_a_path_parameter_has_its_example(of, holder):
    found = of({"/items/{id}": get(parameter(**holder))})
    assert found.operations == {"GET /items/{id}": 1.0}
    assert request(found).path == "/items/7"


def test_query_and_header_parameters_are_sent_if_required_or_with_an_example_of_their_own(of):
    found = of(
        {
            "/": get(
                parameter("a", "query", required=True, schema={"default": "x y"}),
                parameter("b", "query", schema={"default": 1}),
                parameter("c", "query", example=[1, 2]),
                parameter("X-D", "header", example="d"),
            )
        }
    )
    sent = request(found)
    assert sent.query == "a=x+y&c=1&c=2"
    assert ("x-d", "d") in sent.headers


def test_a_body_is_put_together_from_its_properties_and_references(of):
    schemas = {
        "Item": {
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "example": "lamp"},
                "tags": {"type": "array", "items": {"enum": ["a"]}},
                "note": {"type": "string"},
            },
        }
    }
    body = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}},
    }
    found = of({"/items": {"post": {"requestBody": body}}}, components={"schemas": schemas})
    assert json.loads(request(found).body) == {"name": "lamp", "tags": ["a"]}
    assert ("content-type", "application/json") in request(found).headers


def test_operations_without_what_they_need_are_named_and_left_out(of):
    found = of({"/": get(), "/items/{id}": get(parameter(schema={"type": "integer"}))})
    assert list(found.operations) == ["GET /"]
    assert found.notes == (
        "1 of 2 operations of api.json are called; left out: GET /items/{id} (no example of path parameter id)",
    )


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ({"/items/{id}": get(parameter())}, "GET /items/{id} (no example of path parameter id)"),
        ({"/items/{id}": get()}, "no example of path parameter id"),
        ({}, "it has no operations"),
        (
            {"/": get({"$ref": "#/components/none"})},
            "no example of '#/components/none', which does not exist",
        ),
        ({"/": get({"$ref": "other.yaml#/x"})}, "in another document"),
    ],
)
def test_a_document_of_which_nothing_is_left_is_refused(of, paths, said):
    with pytest.raises(UsageError) as caught:
        of(paths)
    assert said in str(caught.value)
    assert "write the requests as JSON Lines" in str(caught.value)


def test_a_schema_that_holds_itself_has_no_example(of):
    node = {"required": ["next"], "properties": {"next": {"$ref": "#/components/schemas/Node"}}}
    body = {"required": True, "content": {"application/json": {"schema": node}}}
    with pytest.raises(UsageError, match="no example of body"):
        of({"/": {"post": {"requestBody": body}}}, components={"schemas": {"Node": node}})


def test_paths_lie_below_the_first_server(of):
    found = of(
        {"/items": get()}, servers=[{"url": "https://x.example/{v}", "variables": {"v": {"default": "v2"}}}]
    )
    assert request(found).path == "/v2/items"


def test_yaml_is_read_as_json_is(of, tmp_path):
    (tmp_path / "api.yaml").write_text("openapi: 3.0.3\npaths:\n  /a:\n    get: {}\n")
    assert list(read_requests(tmp_path / "api.yaml", None).operations) == ["GET /a"]
    (tmp_path / "api.yaml").write_text("a: [")
    with pytest.raises(UsageError, match="This is not YAML"):
        read_requests(tmp_path / "api.yaml", None)


def test_an_older_version_is_refused(tmp_path):
    (tmp_path / "api.json").write_text('{"swagger": "2.0", "paths": {}}')
    with pytest.raises(UsageError, match=r"OpenAPI 2\.0, and version 3 is read"):
        read_requests(tmp_path / "api.json", None)
