"""Locust's connection between a master and workers on one machine, closed to the machine's other users.

Whoever reaches the port could say that it is a worker, and would be told the target's parameters and given users. With
ZeroMQ's CURVE a client must know the public key of the server: it is given to the workers alone, in their environment.
"""

from collections.abc import Callable
from typing import Any

import zmq.green as zmq
from locust.rpc import zmqrpc


def close_to_strangers() -> str:
    """Let the master of this process be reached only with the key that is returned; empty where ZeroMQ has no CURVE."""
    if not zmq.has("curve"):
        return ""
    public, secret = zmq.curve_keypair()

    def lock(socket: Any) -> None:
        socket.curve_secretkey = secret
        socket.curve_server = True

    _before_it_is_used(lock)
    return public.decode()


def unlock(key: str) -> None:
    """Reach the master with `key` from now on."""
    if not key:
        return

    def present(socket: Any) -> None:
        socket.curve_publickey, socket.curve_secretkey = zmq.curve_keypair()
        socket.curve_serverkey = key.encode()

    _before_it_is_used(present)


def _before_it_is_used(prepare: Callable[[Any], None]) -> None:
    made = zmqrpc.BaseSocket.__init__

    def make(self: Any, *words: Any) -> None:
        made(self, *words)
        prepare(self.socket)

    zmqrpc.BaseSocket.__init__ = make
