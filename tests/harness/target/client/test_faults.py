"""Errors of sockets, TLS and names in words that all of a kind share."""

import errno
import socket

import pytest

from harness.target.client.faults import no_connection, reason_of


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), "connection refused"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "the server reset the connection"),
        (OSError(errno.EMFILE, "x"), "no file descriptor was left for another connection (ulimit -n)"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "no local port was left for another connection"),
        (OSError(errno.EHOSTUNREACH, "x"), "no route to host"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "DNS: Name or service not known"),
        (OSError("no number"), "OSError"),
    ],
)
def test_an_error_is_named(error, said):
    assert reason_of(error) == said
    assert no_connection(error, 1.0).reason == said


def test_a_connection_that_takes_too_long_has_timed_out():
    lost = no_connection(TimeoutError(), 1.5)
    assert (lost.reason, lost.is_timeout) == ("no connection within 1.5s", True)
