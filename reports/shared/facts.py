"""Format facts of documents, each with the unit in its name."""

from collections.abc import Callable, Mapping
from typing import Any

from harness.redaction.redact import redact_text
from harness.units import format_bytes, format_count, format_ns, format_percent, format_s, significant

UNKNOWN = "unknown"


def flat(value: Any, prefix: str = "") -> dict[str, str]:
    """Return a nested JSON value as dotted names and texts: `packages.boto3` is `1.40.0`."""
    if isinstance(value, dict):
        return {
            name: text
            for key, item in value.items()
            for name, text in flat(item, f"{prefix}.{key}" if prefix else str(key)).items()
        }
    if isinstance(value, list):
        return {prefix: ", ".join(fact_text(prefix, item) for item in value) or "none"}
    if value is None:
        return {prefix: UNKNOWN}
    if isinstance(value, bool):
        return {prefix: "yes" if value else "no"}
    if isinstance(value, int) and "bytes" not in prefix:
        return {prefix: str(value)}
    return {prefix: fact_text(prefix, value)}


_SCALED: dict[str, Callable[[float], str]] = {
    "bytes": format_bytes,
    "_share": format_percent,
    "_s": format_s,
    "_hz": lambda value: f"{significant(value)} Hz",
    "_ns": format_ns,
}


def fact_text(name: str, value: object) -> str:
    """Return a fact with the unit in its name; a mapping as `name value` pairs."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {fact_text(name, item)}" for key, item in value.items()) or "none"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return redact_text(str(value))
    for unit, scaled in _SCALED.items():
        if unit in name if unit == "bytes" else name.endswith(unit):
            return scaled(value)
    return format_count(value) if float(value).is_integer() else significant(value)
