"""API Gateway in miniature: a WSGI application that makes a proxy event of each request, and an answer of the response."""

import base64
import gzip
from http import HTTPStatus


class Gateway:
    """Serves a handler. `answers` holds (status, path, response) of all that was answered."""

    def __init__(self, handler):
        self._handler = handler
        self.answers = []

    def __call__(self, environ, start_response):
        event = event_of(environ)
        response = self._handler(event, None)
        self.answers.append((event, response))
        body = response["body"]
        data = base64.b64decode(body) if response["isBase64Encoded"] else body.encode()
        headers = dict(response["headers"])
        if headers.pop("Content-Encoding", None) == "gzip":
            # The clients of these tests do not unpack what they asked for.
            data = gzip.decompress(data)
        status = HTTPStatus(response["statusCode"])
        start_response(f"{status.value} {status.phrase}", list(headers.items()))
        return [data]


def event_of(environ):
    """Return the proxy event (v1) of a request: the path as it was sent, a body that is no text in base64."""
    data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    try:
        body, encoded = data.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(data).decode(), True
    path, _, query = environ["REQUEST_URI"].partition("?")
    return {
        "httpMethod": environ["REQUEST_METHOD"],
        "path": path,
        "headers": headers_of(environ),
        "queryStringParameters": dict(pair.partition("=")[::2] for pair in query.split("&"))
        if query
        else None,
        "body": body or None,
        "isBase64Encoded": encoded,
        "requestContext": {"identity": {"sourceIp": environ.get("REMOTE_ADDR", "")}},
    }


def headers_of(environ):
    names = {"CONTENT_TYPE": "Content-Type", "CONTENT_LENGTH": "Content-Length"}
    found = {name: environ[key] for key, name in names.items() if environ.get(key)}
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            found[key[5:].replace("_", "-").title()] = value
    return found
