"""When something was made, as every document and every name of a folder says it: in UTC, to the second."""

import datetime as dt
import secrets


def started_now() -> str:
    """Return this moment as documents write it: 2026-01-31T23:59:59+00:00."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def folder_name(*words: str) -> str:
    """Return a name that no other folder has and that sorts by time: this moment, `words`, six random digits.

    Empty words are left out.
    """
    moment = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    return "-".join(filter(None, (moment, *words, secrets.token_hex(3))))
