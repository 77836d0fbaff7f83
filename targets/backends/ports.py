"""Tell whether the port of a server was taken, and whether the server itself listens on it."""

from harness.serving.listening import ports_of

# Messages of the three servers when another process has their port.
_TAKEN_MARKS = ("Address already in use", "Unable to listen")


def was_taken(log_text: str) -> bool:
    """Return True if a server's log reports that its port was taken."""
    return any(mark in log_text for mark in _TAKEN_MARKS)


def listens(pid: int, port: int) -> bool:
    """Return True if this very process listens on `port`: another process's answer must not count."""
    return port in ports_of([pid])
