"""What lies between a client and its server, and can be made to fail: a TCP proxy, and an HTTP proxy for DynamoDB."""

import asyncio
import http.client
import http.server
import json
import os
import random
import threading

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

LOOPBACK = "127.0.0.1"
CHUNK_BYTES = 65536


class TcpProxy:
    """Passes bytes on to `upstream` until told otherwise; a thread of its own, which its `with` block ends."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.refusing = False
        self.cut_share = 0.0
        """How many of the chunks are passed on by half, and end their connection."""
        self._rng = random.Random(1)
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy")

    def __enter__(self):
        self._thread.start()
        self._flowing = self._do(self._start())
        return self

    def __exit__(self, *_error):
        self._do(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def connections(self):
        """How many clients are connected."""
        return len(self._writers) // 2

    def cut(self):
        """End all connections at once, without a word."""
        self._do(self._abort())

    def silence(self, *, silent):
        """Pass nothing on, and say nothing; or go on with what waits."""
        change = self._flowing.clear if silent else self._flowing.set
        self._loop.call_soon_threadsafe(change)

    def _do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self):
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        flowing = asyncio.Event()
        flowing.set()
        return flowing

    async def _end(self):
        self._server.close()
        self._flowing.set()
        await self._abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _abort(self):
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        if self.refusing:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.upstream)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._writers |= both
        try:
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        except OSError:
            pass
        finally:
            self._writers -= both
            for each in both:
                each.transport.abort()

    async def _pass(self, reader, writer):
        while chunk := await reader.read(CHUNK_BYTES):
            await self._flowing.wait()
            if self._rng.random() < self.cut_share:
                writer.write(chunk[: len(chunk) // 2])
                raise OSError("cut")
            writer.write(chunk)
            await writer.drain()
        raise OSError("ended")


class DynamoProxy(http.server.ThreadingHTTPServer):
    """Passes calls on to a DynamoDB, signed with the key in the environment; `fault(operation, document)` may answer instead, as (status, document), or None.

    With `halving`, only half of each batch is passed on, and the rest comes back unprocessed.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, upstream):
        super().__init__((LOOPBACK, 0), _Handler)
        self.upstream = upstream
        self.fault = lambda _operation, _document: None
        self.halving = False
        self.faults = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="dynamo-proxy")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, *_arguments):
        """Say nothing of connections that were cut."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        answer = self.server.fault(operation, document)
        self.server.faults += answer is not None
        self._send(*(answer or self._passed(operation, document)))

    def _passed(self, operation, document):
        if self.server.halving and operation == "BatchWriteItem":
            self.server.faults += 1
            ((table, requests),) = document["RequestItems"].items()
            half = (len(requests) + 1) // 2
            status, answer = self._ask({"RequestItems": {table: requests[:half]}})
            left = {table: requests[half:]} if requests[half:] else {}
            return status, answer | {"UnprocessedItems": left}
        if self.server.halving and operation == "BatchGetItem":
            self.server.faults += 1
            ((table, wanted),) = document["RequestItems"].items()
            keys, half = wanted["Keys"], (len(wanted["Keys"]) + 1) // 2
            status, answer = self._ask({"RequestItems": {table: wanted | {"Keys": keys[:half]}}})
            left = {table: wanted | {"Keys": keys[half:]}} if keys[half:] else {}
            return status, answer | {"UnprocessedKeys": left}
        return self._ask(document)

    def _ask(self, document):
        connection = http.client.HTTPConnection(LOOPBACK, self.server.upstream, timeout=30)
        try:
            body = json.dumps(document)
            connection.request("POST", "/", body, self._signed_again(body))
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def _signed_again(self, body):
        """Return the headers for another body and another port than those that the client signed."""
        url = f"http://{LOOPBACK}:{self.server.upstream}/"
        names = ("X-Amz-Target", "Content-Type")
        request = AWSRequest("POST", url, {name: self.headers[name] for name in names}, body)
        credentials = Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
        SigV4Auth(credentials, "dynamodb", os.environ["AWS_REGION"]).add_auth(request)
        return dict(request.headers)

    def _send(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Say nothing."""
