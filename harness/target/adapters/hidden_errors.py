"""Hear of the exceptions that Flask and Django turn into an answer, by the signals that they send.

The answer alone (500) does not tell where the target fails, nor whether it can be measured in this process at all.
"""

import sys
from typing import Any

KEY = "harness.exception"
"""Key of the environ or scope of a request that holds the exception behind its answer."""


def hear() -> None:
    """Listen to the frameworks that this process has imported. Listening twice is harmless."""
    flask = sys.modules.get("flask")
    if flask is not None:
        flask.got_request_exception.connect(_in_flask)
    signals = sys.modules.get("django.core.signals")
    if signals is not None:
        signals.got_request_exception.connect(_in_django)


def _in_flask(_application: Any, exception: BaseException, **_: Any) -> None:
    sys.modules["flask"].request.environ[KEY] = exception


def _in_django(sender: Any, request: Any = None, **_: Any) -> None:
    # `sender` is named in Django's protocol. The signal is sent while the exception is handled.
    del sender
    for name in ("environ", "scope"):
        holder = getattr(request, name, None)
        if isinstance(holder, dict):
            holder[KEY] = sys.exc_info()[1]
