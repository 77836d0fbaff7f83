"""Users of an ASGI application log in and go on: what a user saved, its cookies and its values are in its later requests."""

import sys

from tests.support.applications import write
from tests.support.visits import TOKEN, check_requests, shop, walked

SOURCE = f"""
import json
seen = []
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    request = await receive()
    given = {{name.decode(): value.decode("latin-1") for name, value in scope["headers"]}}
    seen.append({{
        "path": scope["path"], "query": scope["query_string"].decode(), "body": request["body"],
        "cookie": given.get("cookie", ""), "authorization": given.get("authorization", ""),
        "length": int(given.get("content-length", 0)),
    }})
    headers = {{
        "/login": [(b"set-cookie", b"sid=1; Path=/"), (b"set-cookie", b"flash=x; Max-Age=9")],
        "/orders/7": [(b"set-cookie", b'csrf="c"')],
    }}.get(scope["path"], [(b"location", b"http://localhost/orders/7?a=1"), (b"set-cookie", b"flash=; Max-Age=0")])
    await send({{"type": "http.response.start", "status": 200, "headers": headers}})
    for part in (b'{{"deep": ', json.dumps({{"token": {TOKEN!r}}}).encode(), b"}}"):
        await send({{"type": "http.response.body", "body": part, "more_body": True}})
    await send({{"type": "http.response.body"}})
"""


def test_each_request_has_what_the_user_saved_its_cookies_and_its_values(tmp_path):
    target = shop(tmp_path, f"asgi:{write(tmp_path, SOURCE)}:app")
    for _ in range(2):
        assert walked(target) == ["completed"] * 4
        seen = sys.modules["_target_shop"].seen
        check_requests(seen, "ann" if b"ann" in seen[0]["body"] else "bob")
        del seen[:]
    target.close()


def test_a_step_that_saves_nothing_is_a_failed_call(tmp_path):
    source = SOURCE.replace("'token'", "'other'").replace('"token"', '"other"')
    target = shop(tmp_path, f"asgi:{write(tmp_path, source)}:app")
    assert walked(target) == ["could not save 'token', because the body has nothing at $.deep.token"]
    target.close()
