"""The mappings of a template of Lambda functions, read without YAML's library."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.work.start.template import ApiRoute, find_functions, parse
from tests.support.little_projects import SAM, write

WORDS = st.text("abcXYZ019_/", min_size=1, max_size=6).filter(lambda word: word[0].isalpha())
TABLES = st.recursive(
    WORDS, lambda inner: st.dictionaries(WORDS, inner, min_size=1, max_size=4), max_leaves=12
)


def plain(table):
    """Return a table as YAML reads it, with every scalar as text."""
    if not isinstance(table, dict):
        return str(table)
    return {str(key): plain(value) for key, value in table.items()}


@given(st.dictionaries(WORDS, TABLES, min_size=1, max_size=4), st.integers(1, 4), st.booleans())
def test_plain_mappings_are_read_as_yaml_reads_them(table, indent, flow):
    table = {"Nested": {"a": "b"}, **table}  # Else all of it is in braces, as no template is.
    text = yaml.dump(
        table, indent=indent, default_flow_style=None if flow else False, sort_keys=False, width=10_000
    )
    read = yaml.load(text, yaml.BaseLoader)
    assert parse(text) == read


@pytest.mark.parametrize(
    "text", ["", "- a\n- b", "\tkey: value", "key", ": : :", "{", "a: {", "a:\n- b: c\n  d: e", "\x00: 1"]
)
def test_anything_else_is_read_as_something_without_complaint(text):
    assert isinstance(parse(text), dict)


@given(st.text())
def test_no_text_is_an_error(text):
    parse(text)


def test_functions_have_their_file_and_their_routes(tmp_path):
    sweep, orders = find_functions(write(tmp_path, SAM))
    assert (sweep.name, sweep.handler, sweep.routes) == ("Sweeper", "sweep", ())
    assert (str(orders.file), orders.handler) == ("orders/app.py", "lambda_handler")
    assert orders.routes == (
        ApiRoute("GET", "/orders"), ApiRoute("GET", "/orders/{id}", is_http_api=True), ApiRoute("POST", "/orders"),
    )  # fmt: skip


HANDLERS = {
    "beside the template": ("Handler: app.go", "app.py"),
    "in a package": ("Handler: shop.web.app.go", "shop/web/app.py"),
    "with a path": ("Handler: shop/app.go", "shop/app.py"),
    "in the folder of the code": ("CodeUri: ./code\n      Handler: app.go", "code/app.py"),
}


@pytest.mark.parametrize(("properties", "file"), HANDLERS.values(), ids=HANDLERS)
def test_a_handler_is_found_where_the_template_says(tmp_path, properties, file):
    text = f"Resources:\n  Go:\n    Type: AWS::Serverless::Function\n    Properties:\n      {properties}\n"
    (function,) = find_functions(write(tmp_path, {"template.yml": text, file: ""}))
    assert str(function.file) == file


@pytest.mark.parametrize(
    "properties",
    ["Handler: go", "CodeUri: ../x\n      Handler: app.go", "CodeUri: /x\n      Handler: app.go", "CodeUri: {Bucket: b}\n      Handler: app.go",
     "PackageType: Image", "Handler: index.go", "Handler: !Ref Name"],
)  # fmt: skip
def test_a_function_without_a_file_of_python_in_the_project_is_left_out(tmp_path, properties):
    text = f"Resources:\n  Go:\n    Type: AWS::Serverless::Function\n    Properties:\n      {properties}\n"
    assert find_functions(write(tmp_path, {"template.yml": text, "app.py": ""})) == []
