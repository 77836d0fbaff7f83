"""A jar sends back the cookies that it took, until one is deleted."""

import pytest

from harness.target.adapters.cookies import Jar


def sent_after(*lines):
    jar = Jar()
    for line in lines:
        jar.take(line)
    return jar.header


def test_cookies_come_back_as_they_came_without_attributes():
    assert sent_after() == ""
    assert sent_after("a=1; Path=/; HttpOnly", 'b="x=y"; Secure', "a=2; Max-Age=3600") == 'a=2; b="x=y"'


@pytest.mark.parametrize(
    "attributes",
    ["Max-Age=0", "max-age=-1; Path=/", "Expires=Thu, 01 Jan 1970 00:00:00 GMT", "expires=Thu, 01-Jan-1970 00:00:00 GMT; Max-Age=0"],
)  # fmt: skip
def test_a_cookie_that_is_deleted_is_not_sent_again(attributes):
    assert sent_after("a=1", "b=2", f"a=; {attributes}") == "b=2"


@pytest.mark.parametrize(
    "attributes",
    ["Expires=Fri, 31 Dec 9999 23:59:59 GMT", "Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", "Expires=soon", "Max-Age=long"],
)  # fmt: skip
def test_a_cookie_that_lives_on_is_sent(attributes):
    assert sent_after(f"a=1; {attributes}") == "a=1"


@pytest.mark.parametrize("line", ["", "nonsense", "=1", ";a=1"])
def test_what_is_no_cookie_is_ignored(line):
    assert sent_after(line) == ""


def test_cookies_of_the_request_come_first():
    jar = Jar()
    assert jar.header_after("own=1") == "own=1"
    jar.take('a="1"')
    assert jar.header_after("own=1") == 'own=1; a="1"'
    assert jar.header_after("") == 'a="1"'
    assert (jar.get("a"), jar.get("b")) == ("1", "")
