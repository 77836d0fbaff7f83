"""Secrets do not reach a reader, and ordinary words do."""

import pytest

from harness.redact import HIDDEN, redact, redact_text
from reports.visible import short, visible


@pytest.mark.parametrize(
    "text",
    [
        "redis://:hunter2@127.0.0.1:6379/0",
        "neo4j+s://user:hunter2@host",
        "target?password=hunter2&x=1",
        "--api-key hunter2",
        "--token=hunter2",
        "REDIS_PASSWORD=hunter2",
        "aws_secret_access_key: hunter2",
        "Authorization: Bearer hunter2",
        "password='hunter2 with blanks'",
        '"token": "hunter2"',
    ],
)
def test_a_secret_in_a_text_is_hidden(text):
    assert "hunter2" not in redact_text(text)
    assert HIDDEN in redact_text(text)


@pytest.mark.parametrize(
    "text",
    [
        "harness run steady --target 'known:lognormal?sigma=0.5' --seed 3",
        "token_cache off: each token costs a signature",
        "http://127.0.0.1:8000/a?page=2",
        "the author of the monkey",
        "the token was refused",
    ],
)
def test_an_ordinary_text_stays_as_it_is(text):
    assert redact_text(text) == text


def test_values_are_hidden_by_their_names_at_any_depth():
    environment = {
        "a": [{"DB_PASSWORD": "x", "port": 1}],
        "author": "me",
        "token_cache": True,
        "empty_token": "",
    }
    assert redact(environment) == {
        "a": [{"DB_PASSWORD": HIDDEN, "port": 1}],
        "author": "me",
        "token_cache": True,
        "empty_token": "",
    }


def test_what_cannot_be_seen_is_written_out_and_long_names_are_cut():
    assert visible("a\x1b[31m\u202eb") == "a\\u001b[31m\\u202eb"
    assert visible("Größe µs 測定") == "Größe µs 測定"
    assert short("abcdef", 4) == "abc…"
    assert short("abcd", 4) == "abcd"
