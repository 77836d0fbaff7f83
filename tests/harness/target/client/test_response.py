"""A response is read from any chunks, and its end is known; what comes after it is no part of it."""

import pytest
from geventhttpclient.response import HTTPParseError

from harness.target.client.response import KeptResponse, Response

CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n"
)
LENGTH = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nempty:\r\n\r\nabcde"


def read(data, *, step=None, ends=False, is_head=False):
    response = KeptResponse(is_head=is_head, keeps_body=True)
    for start in range(0, len(data), step or len(data)):
        response.take(data[start : start + (step or len(data))])
    if ends:
        response.take(b"")
    return response


@pytest.mark.parametrize("step", [None, 1, 7])
@pytest.mark.parametrize(("data", "status"), [(CHUNKED, 200), (LENGTH, 404)])
def test_a_response_is_the_same_in_any_chunks(data, status, step):
    response = read(data, step=step)
    assert (response.is_complete, response.status, bytes(response.body)) == (True, status, b"abcde")
    assert response.keeps_connection
    assert not read(data[:-1], step=step).is_complete


def test_all_headers_are_kept_in_their_order():
    assert read(LENGTH, step=3).headers == [
        ("Content-Length", "5"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("empty", "")
    ]  # fmt: skip


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_a_body_ends_with_its_headers(status):
    assert read(
        b"HTTP/1.1 %d X\r\ncontent-length: 5\r\n\r\n" % status if status == 304 else b"HTTP/1.1 204 X\r\n\r\n"
    ).is_complete


def test_the_response_to_head_has_no_body_whatever_its_length_says():
    response = read(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", is_head=True)
    assert response.is_complete
    assert response.keeps_connection


def test_without_a_length_the_end_of_the_connection_ends_the_body():
    head = b"HTTP/1.1 200 OK\r\n\r\nabc"
    assert not read(head).is_complete
    response = read(head, ends=True)
    assert (response.is_complete, bytes(response.body), response.keeps_connection) == (True, b"abc", False)


def test_an_interim_response_is_not_the_response():
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    assert not read(interim).is_complete
    response = read(interim + LENGTH, step=5)
    assert (response.status, response.headers[0][0]) == (404, "Content-Length")


@pytest.mark.parametrize(
    "data", [b"", b"HTTP/1.1 2", LENGTH[:-1], CHUNKED[:-5], b"HTTP/1.1 103 Early\r\n\r\n"]
)
def test_an_end_before_the_end_of_the_response_is_an_error(data):
    with pytest.raises(EOFError):
        read(data or b"", step=len(data) or 1, ends=True)


@pytest.mark.parametrize(
    "data", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n"]
)
def test_bytes_that_are_no_response_are_an_error(data):
    with pytest.raises(HTTPParseError):
        read(data)


@pytest.mark.parametrize("excess", [b"x", b"HTTP/1.1 500 No\r\ncontent-length: 1\r\n\r\nx"])
def test_bytes_after_the_response_only_end_the_use_of_the_connection(excess):
    response = read(LENGTH + excess)
    assert (response.status, bytes(response.body), response.keeps_connection) == (404, b"abcde", False)
    assert len(response.headers) == 4


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_connection_that_the_server_closes_is_not_used_again(version):
    response = read(b"HTTP/%s 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % version)
    assert response.is_complete
    assert not response.keeps_connection


def test_a_plain_response_keeps_nothing():
    response = Response(is_head=False)
    response.take(LENGTH)
    assert response.status == 404
    assert not hasattr(response, "body")
