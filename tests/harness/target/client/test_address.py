"""The URL of a server and its settings: what is understood, and what is refused."""

import pytest

from harness.errors import TargetError
from harness.redaction.redact import redact_text
from harness.target.client.address import DEFAULT_TIMEOUT_S, read_address


def test_a_url_is_read_with_the_usual_port_of_its_scheme():
    plain, encrypted = read_address("http://shop.example/", {}), read_address("https://shop.example", {})
    assert (plain.host, plain.port, plain.is_tls, plain.netloc) == ("shop.example", 80, False, "shop.example")
    assert (encrypted.port, encrypted.is_tls, encrypted.path) == (443, True, "/")
    assert plain.timeout_s == DEFAULT_TIMEOUT_S


def test_the_path_of_a_url_stands_before_that_of_requests():
    assert read_address("http://h:8000/api/", {}).base == "/api"
    assert read_address("http://[::1]:8000", {}).base == ""
    assert read_address("http://[::1]:8000", {}).host == "::1"


def test_parameters_that_are_no_setting_are_the_query():
    address = read_address("http://h/find", {"q": "tea & milk", "timeout": "500ms", "n": "2"})
    assert address.query == "q=tea+%26+milk&n=2"
    assert address.timeout_s == 0.5


def test_user_and_password_are_sent_as_authorization_and_hidden():
    address = read_address("http://ada:s3cr%2Fet-word@h:1", {})
    assert address.authorization == "Basic YWRhOnMzY3IvZXQtd29yZA=="
    assert address.netloc == "h:1"
    assert "s3cr" not in redact_text("the password is s3cr/et-word")


@pytest.mark.parametrize(
    ("url", "parameters", "said"),
    [
        ("http://", {}, "not the URL of a server"),
        ("http://:80", {}, "not the URL of a server"),
        ("http://h:port", {}, "not the URL of a server"),
        ("http://h:99999", {}, "not the URL of a server"),
        ("http://[h", {}, "not the URL of a server"),
        ("http://h/#top", {}, "not the URL of a server"),
        ("http://h/a b", {}, "percent-encoded"),
        ("http://h/ü", {}, "percent-encoded"),
        ("http://h", {"timeout": "soon"}, "time limit 'soon'"),
        ("http://h", {"timeout": "0s"}, "time limit '0s'"),
        ("http://h", {"timeout": "2h"}, "within 0 to 1 h"),
        ("http://h", {"ca": "ca.pem"}, "not encrypted"),
        ("http://h", {"insecure": "yes"}, "not encrypted"),
        ("https://h", {"insecure": "maybe"}, "neither yes nor no"),
        ("https://h", {"ca": "missing.pem"}, "no file 'missing.pem'"),
    ],
)
def test_what_cannot_be_meant_is_refused(url, parameters, said):
    with pytest.raises(TargetError, match=said):
        read_address(url, parameters)
