"""Carry out `harness doctor --backends`: look whether stores answer, and verify that they keep what the core relies on."""

import contextlib
import os
from collections.abc import Iterator, Mapping

from harness.console.console import Talk
from harness.errors import ServerError, UsageError
from harness.supervise import Supervisor, private_folder, termination_as_exception
from harness.work.checks import Finding

KINDS = ("embedded", "external")
_REMEDY = "The core relies on this: do not trust measurements on this server before it is understood"


def store_findings(kind: str, talk: Talk, *, verify: bool) -> Iterator[Finding]:
    """Yield whether the stores of a kind answer and, with `verify`, each of their promises.

    Verifying writes in places of its own, which it removes. Raises `UsageError` for a missing variable, and for a graph with data
    that has no room for a database of the harness; `ServerError` for a store that does not answer.
    """
    from targets.asset_core.errors import CoreError, SettingsError
    from targets.asset_core.settings import read_stores
    from targets.backends.contract import verify as kept_by
    from targets.backends.embedded import EmbeddedServers
    from targets.backends.external import ExternalServers

    made = EmbeddedServers() if kind == "embedded" else ExternalServers()
    with termination_as_exception(), private_folder() as folder, Supervisor() as supervisor, made as servers:
        servers.start(supervisor, folder)
        yield Finding("stores", ok=True, sentence=f"the {kind} DynamoDB, graph and Redis answer")
        if not verify:
            return
        try:
            settings = read_stores(servers.environment())
        except SettingsError as error:
            raise UsageError(str(error), where="environment") from error
        talk.say("Verifying in a table, a graph database and keys of its own, which are removed at the end …")
        try:
            with _in_environment(servers.environment()), contextlib.closing(kept_by(settings)) as promises:
                for one in promises:
                    sentence = f"{one.promise}: not kept. {one.broken}" if one.broken else one.promise
                    yield Finding(one.store, ok=not one.broken, sentence=sentence, remedy=_REMEDY)
        except CoreError as error:
            raise ServerError(
                f"The stores cannot be verified: {error}", where=f"--backends {kind}"
            ) from error


@contextlib.contextmanager
def _in_environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables during the block: boto3 takes its credentials from there."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
