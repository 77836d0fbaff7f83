"""A WSGI and an ASGI application that note each request; `/spin` needs 3 ms of the processor, `/wait` waits for 3 ms."""

import asyncio
import json
import time

JOURNAL = "asked.jsonl"


def note(method, path, body, cookie):
    with open(JOURNAL, "a") as journal:
        journal.write(json.dumps([method, path, body.decode(), cookie]) + "\n")


def spin():
    end_ns = time.thread_time_ns() + 3_000_000
    while time.thread_time_ns() < end_ns:
        pass


def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    path = environ["PATH_INFO"]
    note(environ["REQUEST_METHOD"], path, body, environ.get("HTTP_COOKIE", ""))
    if path == "/boom":
        raise ValueError("no such page")
    if path == "/spin":
        spin()
    start_response("200 OK", [("Content-Type", "application/json"), ("Set-Cookie", "seen=yes; Path=/")])
    return [body or b'{"ok": true}']


async def web(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = (await receive())["body"]
    cookie = dict(scope["headers"]).get(b"cookie", b"").decode()
    note(scope["method"], scope["path"], body, cookie)
    if scope["path"] == "/boom":
        raise ValueError("no such page")
    if scope["path"] == "/spin":
        await asyncio.sleep(0.003)
    headers = [(b"content-type", b"application/json"), (b"set-cookie", b"seen=yes; Path=/")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body or b'{"ok": true}'})
