"""Name what went wrong between client and server: one short text for all faults of a kind."""

import errno
import os
import socket
import ssl

from harness.units import format_duration

_TEXTS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ECONNRESET: "the server reset the connection",
    errno.EPIPE: "the server closed the connection",
    errno.EMFILE: "no file descriptor was left for another connection (ulimit -n)",
    errno.ENFILE: "no file descriptor was left on this machine for another connection",
    errno.EADDRNOTAVAIL: "no local port was left for another connection",
}


class LostError(Exception):
    """A request without a complete response. `reason` is the same for all of a kind; `first_byte_ns` is 0 without a byte."""

    def __init__(self, reason: str, *, is_timeout: bool = False, first_byte_ns: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_timeout = is_timeout
        self.first_byte_ns = first_byte_ns


def no_connection(error: OSError, timeout_s: float) -> LostError:
    """Return the fault of a connection that could not be made."""
    if isinstance(error, TimeoutError):
        return LostError(f"no connection within {format_duration(timeout_s)}", is_timeout=True)
    return LostError(reason_of(error))


def reason_of(error: OSError) -> str:
    """Return the reason of an error of a socket, of TLS, or of the look-up of a name."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"TLS: the certificate was refused: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {(error.reason or type(error).__name__).replace('_', ' ').lower()}"
    if isinstance(error, socket.gaierror):
        return f"DNS: {error.strerror or 'the name was not found'}"
    number = error.errno or 0
    return _TEXTS.get(number) or (os.strerror(number).lower() if number else type(error).__name__)
