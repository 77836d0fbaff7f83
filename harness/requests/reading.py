"""Read a file or folder of requests; its format is told by its content and its name."""

import dataclasses
import enum
import itertools
import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UsageError
from harness.redaction.redact import learn_secrets
from harness.requests.accesslog import is_access_log, read_access_log
from harness.requests.lines import EXAMPLE, event_of, is_request, request_of
from harness.requests.steps import are_steps, check_paths, check_steps
from harness.requests.template import Draft, Template, holes_in
from harness.requests.values import Values, read_values
from harness.storage import files

_FORMATS = (
    "Give JSON Lines, a HAR file, an OpenAPI 3 document, an access log, or a folder of Lambda events (*.json)"
)
_NONE = Values("", (), ({},))


class Kind(enum.Enum):
    """Kinds of entries that a file may have."""

    HTTP = "HTTP requests"
    EVENTS = "HTTP requests, or any JSON"
    ARGUMENTS = "any JSON"


@dataclasses.dataclass(frozen=True, slots=True)
class Requests:
    """The requests of a run. `notes` are sentences about parts of the file that are not used."""

    templates: tuple[Template, ...]
    values: Values = _NONE
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Values of the secrets, by `$NAME`."""
    notes: tuple[str, ...] = ()

    @property
    def is_journey(self) -> bool:
        """Return True if the requests are the steps of a journey, in their order."""
        return are_steps(self.templates)

    @property
    def operations(self) -> dict[str, float]:
        """Return the weight of each operation: that of its requests together."""
        found: dict[str, float] = {}
        for one in self.templates:
            found[one.operation] = found.get(one.operation, 0.0) + one.weight
        return found

    def choosers(self) -> dict[str, Callable[[random.Random], tuple[int, int]]]:
        """Return for each operation a function that draws its next request: numbers of a template and a row of values."""
        numbers: dict[str, list[int]] = {}
        for number, one in enumerate(self.templates):
            numbers.setdefault(one.operation, []).append(number)
        return {name: self._chooser(mine) for name, mine in numbers.items()}

    def _chooser(self, mine: list[int]) -> Callable[[random.Random], tuple[int, int]]:
        templates, rows, columns = self.templates, len(self.values.rows), self.values.columns
        weights = list(itertools.accumulate(templates[number].weight for number in mine))
        with_values = {number for number in mine if not templates[number].values.isdisjoint(columns)}

        def choose(rng: random.Random) -> tuple[int, int]:
            (number,) = rng.choices(mine, cum_weights=weights)
            return number, rng.randrange(rows) if number in with_values else 0

        return choose

    def holes(self, row: int) -> dict[str, str]:
        """Return the values of all placeholders for one row."""
        return {**self.values.rows[row], **self.secrets}


def read_requests(path: Path, values: Path | None, kind: Kind = Kind.HTTP, name: str = "") -> Requests:
    """Return the requests in a file or folder, with the values of a file for their placeholders.

    Entries that are no HTTP requests and have no name of their own have the operation `name`. Raises `UsageError`, which
    names the line, for an unreadable file, a line that cannot be used, a placeholder of a path without a value, and a
    missing secret.
    """
    templates, notes = _read(path, kind, name)
    found = read_values(values) if values else _NONE
    if are_steps(templates):
        check_steps(templates, found)
        _check_kind(templates, kind)
    check_paths(templates)
    for one in () if are_steps(templates) else templates:
        if missing := one.needed.difference(found.columns):
            raise UsageError(
                f"The placeholder {{{min(missing)}}} has no value",
                where=one.where,
                remedy=f"Add a column '{min(missing)}' to {found.file}"
                if values
                else f"Give values=FILE.csv with a column '{min(missing)}'",
            )
    used = frozenset(name for one in templates for name in one.values)
    if values and used.isdisjoint(found.columns):
        raise UsageError(
            f"No request uses a value of {found.file}",
            where=str(path),
            remedy=f"Write {{{found.columns[0]}}} where a value belongs",
        )
    return Requests(tuple(templates), found, _secrets(templates), tuple(notes))


def _check_kind(templates: list[Template], kind: Kind) -> None:
    if kind is Kind.ARGUMENTS:
        raise UsageError(
            "A function has no journey: save and pause belong to requests and to events of a Lambda handler",
            where=next(one.where for one in templates if one.is_step),
            remedy="Remove them, or write a factory whose target has make_user and journey",
        )


def learn_secrets_in(path: Path) -> None:
    """Learn the secrets that a file names, as far as it can be read, so that this process hides them in logs of others."""
    try:
        text = files.read_bytes(path).decode()
    except (OSError, UnicodeDecodeError):
        return
    names = {name for name, is_secret in holes_in(text) if is_secret}
    learn_secrets(os.environ[name] for name in names if name in os.environ)


def holds_requests(path: Path) -> bool:
    """Return True for a recording of requests, which a trace of arrivals may also be: a HAR file or an access log."""
    try:
        text = files.read_bytes(path).decode("utf-8-sig")
        document = msgspec.json.decode(text) if text.lstrip().startswith("{") else None
    except (OSError, UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return False
    return "log" in document if isinstance(document, dict) else is_access_log(text)


def default_request() -> Requests:
    """Return the request for an application that was given none: `GET /`."""
    return Requests((Template(where="", operation="GET /", draft=Draft()),))


def _secrets(templates: list[Template]) -> dict[str, str]:
    secrets = {}
    for one in templates:
        for name in sorted(one.secrets):
            value = os.environ.get(name)
            if value is None:
                raise UsageError(
                    f"The environment has no variable {name}", where=one.where, remedy=f"Set it: export {name}=…"
                )  # fmt: skip
            secrets[f"${name}"] = value
    learn_secrets(secrets.values())
    return secrets


def _read(path: Path, kind: Kind, name: str) -> tuple[list[Template], list[str]]:
    if path.is_dir():
        from harness.requests.folder import read_folder

        if kind is Kind.HTTP:
            raise UsageError(
                f"'{path}' is a folder", where=str(path.resolve()), remedy="A folder holds the events of a lambda: or call: target. Name a file of requests"
            )  # fmt: skip
        return read_folder(path), []
    text = _text(path)
    document = _document(text, path)
    if isinstance(document, dict) and kind is not Kind.ARGUMENTS:
        if "log" in document and path.suffix != ".jsonl":
            from harness.requests.har import read_har

            return read_har(document, path)
        if "openapi" in document or "swagger" in document:
            from harness.requests.openapi import read_openapi

            return read_openapi(document, path)
    if document is None and kind is not Kind.ARGUMENTS and is_access_log(text):
        return read_access_log(text, path)
    if isinstance(document, dict):
        return [_entry(document, f"{path}:1", kind, path.stem if path.suffix == ".json" else name)], []
    if document is not None and kind is Kind.HTTP:
        raise UsageError(
            "This is one JSON value, not requests",
            where=str(path),
            remedy=f"Write one request a line. {EXAMPLE}",
        )
    return _lines(text, path, kind, name), []


def _text(path: Path) -> str:
    try:
        content = files.read_bytes(path)
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageError(
            f"The requests cannot be read: {error.strerror}", where=str(path.absolute()), remedy=_FORMATS
        ) from error
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(
            "The requests are not UTF-8 text", where=f"{path}:{line}", remedy=_FORMATS
        ) from error


def _document(text: str, path: Path) -> Any:
    """Return the only JSON or YAML document of a file; None for several lines of JSON."""
    if path.suffix in {".yaml", ".yml"}:
        return read_yaml(text, path)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        if path.suffix in {".har", ".json"}:
            raise UsageError(f"This is not JSON: {error}", where=str(path), remedy=_FORMATS) from error
        return None


def read_yaml(text: str, path: Path) -> Any:
    """Return the document of a YAML text. Raises `UsageError` if it is none, or if PyYAML is not installed."""
    try:
        import yaml
    except ImportError as error:
        raise UsageError(
            "Reading YAML needs PyYAML", where=str(path), remedy="pip install pyyaml, or save the document as JSON"
        ) from error  # fmt: skip
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(
            f"This is not YAML: {' '.join(str(error).split())}", where=str(path), remedy=_FORMATS
        ) from error


def _lines(text: str, path: Path, kind: Kind, name: str) -> list[Template]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            value = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise UsageError(f"This line is not JSON: {error}", where=where, remedy=EXAMPLE) from error
        found.append(_entry(value, where, kind, name))
    if not found:
        raise UsageError("There is no request in this file", where=str(path), remedy=EXAMPLE)
    return found


def _entry(value: Any, where: str, kind: Kind, name: str) -> Template:
    if kind is Kind.HTTP or (kind is Kind.EVENTS and is_request(value)):
        return request_of(value, where)
    return event_of(value, where, name)
