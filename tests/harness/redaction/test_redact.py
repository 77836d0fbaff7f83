"""Secrets do not reach a reader, and ordinary words do."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.redaction.key import redaction_key
from harness.redaction.patterns import HIDDEN
from harness.redaction.redact import learn, learn_parameters, redact, redact_text
from harness.target.spec import parse_spec
from reports.shared.visible import short, visible

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlLWh1bnRlcjI"


@pytest.mark.parametrize(
    "text",
    [
        "redis://:hunter2@127.0.0.1:6379/0",
        "neo4j+s://user:hunter2@host",
        "postgres://user:with/slash/hunter2@host/db",
        "https://hunter2hunter2@github.com/a/b",
        "target?password=hunter2&x=1",
        "mine.py:create?dsn=postgres://u:hunter2@h/db",
        "mine.py:create?dsn=postgres%3A%2F%2Fu%3Ahunter2%40h%2Fdb",
        "mine.py:create?api_key=hunter2",
        "mine.py:create?apiKey=hunter2",
        "mine.py:create?key=hunter2",
        "mine.py:create?x=1&auth=hunter2",
        "mine.py:create?session=hunter2",
        "mine.py:create?jwt=hunter2",
        "mine.py:create?pat=hunter2",
        "mine.py:create?private=hunter2",
        "mine.py:create?clientSecret=hunter2",
        "mine.py:create?accesstoken=hunter2",
        "https://h/a?X-Amz-Signature=hunter2&X-Amz-Date=1",
        "https://h/a?sig=hunter2",
        "--api-key hunter2",
        "--token=hunter2",
        "REDIS_PASSWORD=hunter2",
        "host=h user=u password=hunter2 dbname=d",
        "Server=h;User Id=u;Pwd=hunter2;",
        "AccountName=a;AccountKey=hunter2==;EndpointSuffix=e",
        "aws_secret_access_key: hunter2",
        "Authorization: Bearer hunter2",
        "Authorization: Basic aHVudGVyMjpodW50ZXIy hunter2"[:43].replace(
            "aHVudGVyMjpodW50ZXIy", "hunter2hunter2"
        ),
        "Cookie: session=hunter2; csrf=hunter2",
        "password='hunter2 with blanks'",
        '"token": "hunter2"',
        "{'client_secret': 'hunter2'}",
        '{\\"token\\": \\"hunter2\\"}',
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2 and cut off",
        "sk_live_hunter2hunter2",
        "ghp_hunter2hunter2hunter2hunter2",
        "xoxb-hunter2hunter2",
    ],
)
def test_a_secret_in_a_text_is_hidden(text):
    assert "hunter2" not in redact_text(text)
    assert HIDDEN in redact_text(text)
    assert redact_text(redact_text(text)) == redact_text(text)


@pytest.mark.parametrize("secret", ["AKIAIOSFODNN7EXAMPLE", JWT, "Bearer abcdef123456"])
def test_a_secret_that_looks_like_one_is_hidden_under_any_name(secret):
    shown = redact_text(f"it was refused with {secret} today")
    assert secret not in shown
    assert shown.endswith(" today")


@pytest.mark.parametrize(
    "text",
    [
        "harness run steady --target 'known:lognormal?sigma=0.5' --seed 3",
        "token_cache off: each token costs a signature",
        "http://127.0.0.1:8000/a?page=2",
        "http://127.0.0.1:8000/a@b",
        "the author of the monkey",
        "the token was refused",
        "mine.py:create?keys=100&keyspace=5&monkey=george&partition_key=pk&sort_key=sk",
        "mine.py:create?tokens=100&max_tokens=5&token_cache=lru&token_ttl=60s&tokenizer=fast",
        "mine.py:create?passes=3&compass=north&path=/a/b&pattern=x&bypass=all",
        "mine.py:create?auth=off&private=true&password=&token=none",
        "mine.py:create?session_timeout=5&sessions=10&signature_algorithm=ed25519&author=me",
        "mine.py:create?token=${TOKEN}&password=$PASSWORD",
        "asset-core?data=small&seed=1&switches=token_cache:off,l1:off",
        "Write them like ?key=value&other=value",
        "KeyError: 'password'",
        "Basic operations are fast; Bearer authentication is not",
        "session: 3 blocks of 40 pairs",
        "signature: (self, event) -> None",
        "ssh://host/a/b and file:///tmp/a@b",
        "test_auth.py::test_token[a-b] took 5 us",
        "GET /tokens/{id} p99=5ms",
        "no answer at http://[::1]:8000/x",
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


def test_targets_that_differ_in_a_secret_do_not_look_the_same():
    def shown(text):
        return parse_spec(text).shown

    one, same, other = (shown(f"a.py:b?x=1&token={token}") for token in ("one-123", "one-123", "two-123"))
    assert one == same != other
    assert one.startswith(f"a.py:b?x=1&token={HIDDEN}-")
    assert shown("a.py:b?dsn=db://u:one-123@h/d") != shown("a.py:b?dsn=db://u:two-123@h/d")
    # As it was typed, and as it is made again from its parameters.
    assert redact_text("a.py:b?dsn=db://u:one-123@h/d") == shown("a.py:b?dsn=db%3A%2F%2Fu%3Aone-123%40h%2Fd")


def test_what_stands_for_a_secret_tells_nothing_to_who_has_not_the_users_key(tmp_path, monkeypatch):
    before = redact_text("a?token=guessable")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    redaction_key.cache_clear()
    after = redact_text("a?token=guessable")
    assert before != after
    file = tmp_path / "asset-harness" / "redaction.key"
    assert file.stat().st_mode & 0o077 == 0
    redaction_key.cache_clear()
    assert redact_text("a?token=guessable") == after
    file.write_bytes(b"cut short")
    redaction_key.cache_clear()
    assert redact_text("a?token=guessable") != after
    monkeypatch.undo()
    redaction_key.cache_clear()
    assert redact_text("a?token=guessable") == before


def test_where_no_key_can_be_kept_secrets_are_hidden_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    redaction_key.cache_clear()
    assert redact_text("a?token=guessable").startswith(f"a?token={HIDDEN}-")
    monkeypatch.undo()
    redaction_key.cache_clear()


def in_a_process_of_its_own(program):
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ
    ).stdout


def test_a_secret_once_known_is_hidden_wherever_it_turns_up():
    said = in_a_process_of_its_own(
        """
from harness.redaction.redact import learn, learn_parameters, redact_text
learn("--target", "a.py:b?token=T0ken/with+x&dsn=db://user:pass%40word1@h/d")
learn_parameters({"api_key": "sp ace'd-9", "name": "production", "token": "steady", "pin_token": "12"})
for text in ("T0ken/with+x was refused", "T0ken%2Fwith%2Bx", "by pass@word1 of user", "pass%40word1",
             repr("sp ace'd-9"), "production is steady at 12"):
    print(redact_text(text))
"""
    )
    assert said.splitlines() == [
        f"{HIDDEN} was refused",
        HIDDEN,
        f"by {HIDDEN} of user",
        HIDDEN,
        f'"{HIDDEN}"',
        "production is steady at 12",
    ]


@given(st.text(max_size=200))
def test_every_text_can_be_redacted_and_once_is_enough(text):
    once = redact_text(text)
    assert redact_text(once) == once


@pytest.mark.parametrize(
    "piece", ["a=", "token=", "auth=1", "?a", "://", "://a:", "%3A%2F%2F", "a.", "eyJ", '"token":']
)
def test_a_long_hostile_text_is_read_about_once(piece):
    # One that is read as often as it has names would take minutes.
    assert HIDDEN in redact_text(f"{piece * 20_000} password=hunter2")


def test_learning_nothing_hides_nothing():
    learn("harness run steady", "")
    learn_parameters({"median_us": "200"})
    assert redact_text("median_us=200 in steady") == "median_us=200 in steady"


def test_what_cannot_be_seen_is_written_out_and_long_names_are_cut():
    assert visible("a\x1b[31m\u202eb") == "a\\u001b[31m\\u202eb"
    assert visible("Größe µs 測定") == "Größe µs 測定"
    assert short("abcdef", 4) == "abc…"
    assert short("abcd", 4) == "abcd"
