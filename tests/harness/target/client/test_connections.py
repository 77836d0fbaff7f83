"""Connections that are kept, and those that are left behind."""

import os
import socket

import pytest

from harness.errors import TargetError
from harness.target.client.address import read_address
from harness.target.client.connections import Connections
from tests.support.scripted import OK, scripted


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_every_connection_is_closed_once():
    with scripted(OK) as seen:
        before = descriptors()
        connections = Connections(read_address(seen.url, {}))
        connections.begin()
        taken = [connections.take() for _ in range(3)]
        # The server's end of each is in this process too.
        assert connections.opened == 3
        for one in taken:
            connections.give_back(one)
        assert connections.take() is taken[-1], "the last used is the first used again"
        connections.give_back(taken[-1])
        connections.close()
        taken[0].close()
    assert descriptors() <= before


def test_an_address_of_the_name_that_answers_is_asked_first_from_then_on(monkeypatch):
    with scripted(OK) as seen, socket.create_server(("127.0.0.1", 0)) as other:
        gone = other.getsockname()
        other.close()
        found = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in (gone, ("127.0.0.1", seen.port))
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_words: found)
        connections = Connections(read_address("http://shop.example", {}))
        connections.begin()
        assert [place for _, place in connections._places] == [("127.0.0.1", seen.port), gone]
        connections.close()


def test_certificates_that_are_none_are_refused(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(TargetError, match="cannot be read"):
        Connections(read_address("https://h", {"ca": str(file)}))
