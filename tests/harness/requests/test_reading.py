"""Files of requests: every format is told by its content, and every wrong line is named with what is wrong."""

import json
import random

import pytest

from harness.errors import ExitCode, UsageError
from harness.redaction.redact import redact_text
from harness.requests.reading import Kind, default_request, read_requests


@pytest.fixture
def of(tmp_path):
    """Return a function from the text of a file to its requests."""

    def read(text, values="", name="requests.jsonl", kind=Kind.HTTP):
        file = tmp_path / name
        file.write_text(text)
        if values:
            (tmp_path / "values.csv").write_text(values)
        return read_requests(file, tmp_path / "values.csv" if values else None, kind, "handler")

    return read


def refusal(of, *args, **kwargs):
    with pytest.raises(UsageError) as caught:
        of(*args, **kwargs)
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value)


def only(requests, row=0):
    (template,) = requests.templates
    return template.filled(requests.holes(row))


def test_operations_are_named_by_method_and_path_with_ids_folded(of):
    paths = (
        "/",
        "/items/7",
        "/items/8",
        "/u/0b1e2d3c-0000-4000-8000-00000000000a/x",
        "/v1/deadbeef",
        "/o/01HZX3K4M5N6P7Q8R9S0T1V2W3",
    )
    found = of("\n".join(json.dumps({"path": path}) for path in paths))
    assert found.operations == {
        "GET /": 1, "GET /items/{id}": 2, "GET /u/{id}/x": 1, "GET /v1/deadbeef": 1, "GET /o/{id}": 1,
    }  # fmt: skip


def test_a_name_and_a_weight_of_a_request_win(of):
    found = of('{"operation": "home", "weight": 2.5, "path": "/"}\n\n{"operation": "home", "path": "/index"}')
    assert found.operations == {"home": 3.5}


def test_requests_of_one_operation_are_drawn_by_weight_and_seed(of):
    found = of('{"operation": "a", "path": "/1", "weight": 9}\n{"operation": "a", "path": "/2"}')
    choose = found.choosers()["a"]

    def drawn(seed):
        rng = random.Random(seed)
        return [choose(rng)[0] for _ in range(1000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 850 < drawn(1).count(0) < 950


def test_methods_that_extensions_of_http_add_are_read(tmp_path):
    (tmp_path / "requests.jsonl").write_text('{"method": "propfind", "path": "/ada/"}')
    assert list(read_requests(tmp_path / "requests.jsonl", None).operations) == ["PROPFIND /ada/"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "This line is not JSON"),
        ("7", "This is not a request but 7"),
        ('{"pth": "/"}', "Did you mean 'path'?"),
        ('{"zzz": "/"}', "Fields: operation, weight"),
        ('{"path": 7}', "Expected `str`, got `int` - at `path`"),
        ('{"path": "items"}', "The path 'items' does not begin with a slash"),
        ('{"method": "FETCH"}', "The method 'FETCH' is none of HTTP"),
        ('{"weight": 0}', "The weight 0 is not a positive number"),
        ('{"weight": -1}', "The weight -1 is not a positive number"),
        ('{"expect": 99}', "expect cannot be read: 99 is not within 100 to 599"),
        ('{"expect": []}', "expect names no status"),
        ('{"body": "a", "json": 1}', "The request has both a body and json"),
        ('{"path": "/?a=1", "query": {"b": 1}}', "a query in its path and another one"),
        ('{"path": "/{id}"}', "The placeholder {id} has no value"),
    ],
)
def test_a_wrong_line_is_named_with_its_number(of, line, said):
    words = refusal(of, f'{{"path": "/"}}\n\n{line}\n')
    assert said in words
    assert "requests.jsonl:3" in words


def test_an_empty_file_a_missing_one_and_one_of_bytes_are_named(of, tmp_path):
    assert "There is no request in this file" in refusal(of, "\n")
    with pytest.raises(UsageError, match="No such file"):
        read_requests(tmp_path / "none.jsonl", None)
    (tmp_path / "bytes.jsonl").write_bytes(b'{"path": "/"}\n\xff\n')
    with pytest.raises(UsageError, match=r"not UTF-8 text \(.*:2\)"):
        read_requests(tmp_path / "bytes.jsonl", None)
    with pytest.raises(UsageError, match="is a folder"):
        read_requests(tmp_path, None)


def test_an_address_gives_path_query_and_host(of):
    request = only(of('{"path": "http://shop.example:8000/a?x=1"}'))
    assert (request.path, request.query) == ("/a", "x=1")
    assert ("host", "shop.example:8000") in request.headers


def test_values_fill_path_query_headers_and_body_each_in_its_own_spelling(of):
    line = {
        "method": "POST", "path": "/items/{id}", "query": "q={id}", "headers": {"X-Id": "{id}"},
        "json": {"id": "{id}", "other": "{not a value}", "n": [1, "{id}"]},
    }  # fmt: skip
    found = of(json.dumps(line), values="id,name\na/b c,x\n7,y\n")
    assert found.operations == {"POST /items/{id}": 1.0}
    first, second = only(found), only(found, 1)
    assert (first.path, first.query) == ("/items/a%2Fb%20c", "q=a%2Fb+c")
    assert ("x-id", "a/b c") in first.headers
    assert json.loads(first.body) == {"id": "a/b c", "other": "{not a value}", "n": [1, "a/b c"]}
    assert second.path == "/items/7"


def test_values_that_stand_together_stay_together(of):
    found = of('{"path": "/{a}/{b}"}', values="a,b\n1,x\n2,y\n")
    choose, rng = found.choosers()["GET /{a}/{b}"], random.Random(1)
    assert {found.templates[0].filled(found.holes(choose(rng)[1])).path for _ in range(50)} == {
        "/1/x",
        "/2/y",
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            "name\nx\n",
            "The placeholder {id} has no value (requests.jsonl:1). Add a column 'id' to values.csv",
        ),
        ("id\n", "The values file has no values"),
        ("id,id\n1,2\n", "the names of the values are not distinct"),
        ("id\n1,2\n", "this line has 2 values, and 1 are named (values.csv:2)"),
        ('id\n"1\n', "this is not CSV"),
    ],
)
def test_values_that_do_not_fit_are_named(of, values, said, tmp_path):
    words = refusal(of, '{"path": "/{id}"}', values=values)
    assert said in words.replace(f"{tmp_path}/", "")


def test_values_that_no_request_uses_are_refused(of):
    assert "No request uses a value of values.csv" in refusal(of, '{"path": "/"}', values="id\n1\n")


def test_secrets_come_from_the_environment_and_are_hidden_from_then_on(of, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "s3cr3t-of-the-shop")
    found = of('{"path": "/${SHOP_TOKEN}", "headers": {"Authorization": "Bearer ${SHOP_TOKEN}"}}')
    assert ("authorization", "Bearer s3cr3t-of-the-shop") in only(found).headers
    assert list(found.operations) == ["GET /${SHOP_TOKEN}"]
    assert "s3cr3t" not in redact_text("it answered s3cr3t-of-the-shop")


def test_a_filled_secret_is_not_read_again(of, monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "{id}")
    found = of('{"path": "/{id}", "body": "${SHOP_TOKEN}"}', values="id\n7\n")
    assert only(found).body == b"{id}"


def test_a_missing_secret_is_named_with_its_line(of, monkeypatch):
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    words = refusal(of, '{"path": "/"}\n{"path": "/", "headers": {"A": "${SHOP_TOKEN}"}}')
    assert "The environment has no variable SHOP_TOKEN" in words
    assert "requests.jsonl:2" in words


def test_without_a_file_there_is_one_request():
    request = only(default_request())
    assert (request.method, request.path, request.headers) == ("GET", "/", (("host", "localhost"),))


def test_one_json_document_may_be_one_request_but_no_list(of):
    assert only(of('{\n "path": "/a"\n}')).path == "/a"
    assert "This is one JSON value, not requests" in refusal(
        of, '[\n {"path": "/a"}\n]', name="requests.json"
    )
