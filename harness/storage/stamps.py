"""Format times of creation for documents and folder names: in UTC, to the second."""

import datetime as dt
import secrets


def started_now() -> str:
    """Return the current time in the form of documents: 2026-01-31T23:59:59+00:00."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def folder_name(*words: str) -> str:
    """Return a unique name that sorts by time: the current time, `words`, six random digits.

    Empty words are left out.
    """
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    return "-".join(filter(None, (moment, *words, secrets.token_hex(3))))
