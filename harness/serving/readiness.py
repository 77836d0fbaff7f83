"""Ask a server whether it is ready: by a connection, or by a request for a path."""

import http.client
import socket

from harness.policy.servers import TCP
from harness.serving.listening import LOOPBACK

_PATIENCE_S = 2.0
_FIRST_FAILURE = 400


class Question:
    """The question of one server; `answer` is what it last said, as the end of a sentence."""

    def __init__(self, ready: str, port: int) -> None:
        self._ready = ready
        self._port = port
        self.answer = "it refused every connection"

    @property
    def text(self) -> str:
        """The question, as part of a sentence."""
        return f"port {self._port}" if self._ready == TCP else f"GET {self._ready} on port {self._port}"

    def __call__(self) -> bool:
        """Return True if the server is ready. Takes two seconds at most."""
        try:
            if self._ready == TCP:
                with socket.create_connection((LOOPBACK, self._port), _PATIENCE_S):
                    return True
            return self._is_healthy()
        except TimeoutError:
            self.answer = f"it gave no answer within {_PATIENCE_S:g} s"
        except ConnectionRefusedError:
            self.answer = "it refused every connection"
        except (OSError, http.client.HTTPException) as error:
            self.answer = f"its last answer was no HTTP ({type(error).__name__}: {error})"
        return False

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self._port, timeout=_PATIENCE_S)
        try:
            connection.request("GET", self._ready, headers={"Connection": "close"})
            status = connection.getresponse().status
        finally:
            connection.close()
        self.answer = f"its last answer had the status {status}"
        return status < _FIRST_FAILURE
