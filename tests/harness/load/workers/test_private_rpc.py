"""The master of several workers hears nobody who has not its key."""

import subprocess
import sys

PROGRAM = """
import sys
from locust import runners
from locust.rpc import Message, zmqrpc
import gevent
from harness.load.workers.private_rpc import close_to_strangers, unlock
plain = zmqrpc.BaseSocket.__init__
key = close_to_strangers()
server = zmqrpc.Server("127.0.0.1", 0)
heard = []

def listen():
    while True:
        heard.append(server.recv_from_client()[0])

def client(name):
    zmqrpc.Client("127.0.0.1", server.port, name).send(Message("client_ready", None, name))

gevent.spawn(listen)
zmqrpc.BaseSocket.__init__ = plain
client("stranger")
import zmq
unlock(zmq.curve_keypair()[0].decode())
client("liar")
zmqrpc.BaseSocket.__init__ = plain
unlock(key)
client("worker")
with gevent.Timeout(20):
    while "worker" not in heard:
        gevent.sleep(0.01)
gevent.sleep(0.3)
print(*heard)
"""


def test_who_has_not_the_key_is_not_heard():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["worker"], done.stderr
