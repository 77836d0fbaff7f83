"""Close Locust's connection between a master and workers on one machine to the machine's other users.

Any process that reaches the port could pose as a worker, and would get the target's parameters and some of the users. With
ZeroMQ's CURVE a client must know the public key of the server, which only the workers get, in their environment.
"""

from collections.abc import Callable
from typing import Any

import zmq.green as zmq
from locust.rpc import zmqrpc


def close_to_strangers() -> str:
    """Lock the master of this process and return the key to it; empty if ZeroMQ lacks CURVE."""
    if not zmq.has("curve"):
        return ""
    public, secret = zmq.curve_keypair()

    def lock(socket: Any) -> None:
        socket.curve_secretkey = secret
        socket.curve_server = True

    _before_it_is_used(lock)
    return public.decode()


def unlock(key: str) -> None:
    """Connect to the master with `key` from now on."""
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
