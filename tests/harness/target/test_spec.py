"""A SPEC: its kind, and the files that its parameters name."""

import os

import pytest

from harness.target.spec import kind_and_place, with_absolute_files


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("http://127.0.0.1:8000", "http"),
        ("https://shop.example/api", "http"),
        ("HTTP://h", "http"),
        ("wsgi:shop:app", "wsgi"),
        ("shop:create", ""),
    ],
)
def test_a_kind_is_told_by_what_stands_before_the_colon(name, kind):
    assert kind_and_place(name)[0] == kind
    assert kind != "http" or kind_and_place(name)[1] == name


def test_files_are_named_absolutely_for_processes_in_another_folder():
    files = {"requests": "r.jsonl", "ca": "own.pem", "timeout": "1s"}
    of_server = with_absolute_files(files, "https://h")
    assert of_server == {
        "requests": os.path.abspath("r.jsonl"),
        "ca": os.path.abspath("own.pem"),
        "timeout": "1s",
    }
    assert with_absolute_files(files, "call:m:f")["ca"] == "own.pem", "it is an argument of the function"
