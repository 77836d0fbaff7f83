"""Keep the key of the digests that replace secrets: one for each user, in a file that only that user can read."""

import contextlib
import functools
import os
import secrets
from pathlib import Path

_BYTES = 32


@functools.cache
def redaction_key() -> bytes:
    """Return the user's key, made at its first use; a key for this process alone where no file can be stored."""
    with contextlib.suppress(OSError, RuntimeError):
        return _kept(_place())
    return secrets.token_bytes(_BYTES)


def _place() -> Path:
    state = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return folder / "asset-harness" / "redaction.key"


def _kept(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - of the descriptor
                file.write(secrets.token_bytes(_BYTES))
            # If two processes make a key at the same time, the first one is kept.
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(scratch)
        finally:
            scratch.unlink()
    with path.open("rb") as file:
        key = file.read(_BYTES)
    if len(key) < _BYTES:
        raise OSError(f"{path} is truncated")
    return key
