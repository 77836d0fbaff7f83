"""Documents without their secrets: what is stored of a run or session, and what is shown of it."""

import dataclasses
from typing import Any, TypeVar

import msgspec

from harness.redaction.redact import learn, redact, redact_text

Document = TypeVar("Document")

_FREE_FORM = frozenset(("environment", "policy", "extra_info", "params"))
"""Fields whose keys name what they hold. Elsewhere a key may be an operation, which may well be called `token`."""
_NAMES = frozenset(
    ("benchmark", "clause", "fullname", "metric", "name", "of", "operation", "order", "planned", "slo", "slos", "stage")
)  # fmt: skip
"""Fields by which parts of documents find each other, as they do by keys; all of these stay as they are."""
_COMMANDS = ("command", "target", "spec", "policy")


def without_secrets(document: Document) -> Document:
    """Return a JSON value, a struct or a dataclass with the secrets in its texts replaced, at any depth.

    What is not changed is the same object, not a copy.
    """
    _learn_commands(document)
    cleaned: Document = _clean(document)
    return cleaned


def _learn_commands(document: Any) -> None:
    """Learn what a document was told as parameters: the same may stand in its messages."""
    for name in _COMMANDS:
        value = getattr(document, name, None)
        if isinstance(value, str):
            learn(value)
    for side in ("base", "candidate"):
        if isinstance(getattr(document, side, None), msgspec.Struct):
            _learn_commands(getattr(document, side))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        # An enumeration is a text too, and says nothing but what we made it say.
        return redact_text(value) if type(value) is str else value
    if isinstance(value, msgspec.Struct):
        return _clean_fields(value, value.__struct_fields__, msgspec.structs.replace)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = tuple(field.name for field in dataclasses.fields(value) if field.init)
        return _clean_fields(value, names, dataclasses.replace)
    return _clean_items(value)


def _clean_named(name: Any, value: Any) -> Any:
    if name in _NAMES:
        return value
    return redact(value) if name in _FREE_FORM and isinstance(value, dict) else _clean(value)


def _clean_items(value: Any) -> Any:
    new = value
    if isinstance(value, dict):
        new = {key: _clean_named(key, item) for key, item in value.items()}
    # Long lists are of numbers, and all of a kind.
    elif type(value) in {list, tuple} and not (value and type(value[0]) in {int, float}):
        new = type(value)(_clean(item) for item in value)
    return value if new == value else new


def _clean_fields(value: Any, names: tuple[str, ...], replace: Any) -> Any:
    changed = {}
    for name in names:
        old = getattr(value, name)
        new = _clean_named(name, old)
        if new is not old and new != old:
            changed[name] = new
    return replace(value, **changed) if changed else value
