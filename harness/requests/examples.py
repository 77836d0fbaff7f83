"""Find the example of a value in an OpenAPI document: what its author wrote, never an invented one."""

from collections.abc import Mapping
from typing import Any

_DEEPEST = 30


class NoExampleError(Exception):
    """A value has no example; the text is its place in the document."""


class Examples:
    """The examples in one document; references within it are followed."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def resolved(self, value: Any) -> dict[str, Any]:
        """Return the object that a value is or refers to. Raises `NoExampleError` for a reference that leads nowhere."""
        for _ in range(_DEEPEST):
            if not isinstance(value, dict):
                raise NoExampleError("something that is no object")
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self._at(reference)
        raise NoExampleError("a reference that leads to itself")

    def of(self, holder: Any, name: str) -> Any:
        """Return the example of a parameter or a media type called `name`."""
        holder = self.resolved(holder)
        if "example" in holder:
            return holder["example"]
        named = holder.get("examples")
        for one in named.values() if isinstance(named, dict) else ():
            example = self.resolved(one)
            if "value" in example:
                return example["value"]
        return self._of_schema(holder.get("schema", {}), name, 0)

    def _of_schema(self, schema: Any, name: str, depth: int) -> Any:
        if depth > _DEEPEST:
            raise NoExampleError(name)
        schema = self.resolved(schema)
        for key in ("example", "const", "default"):
            if key in schema:
                return schema[key]
        for key in ("examples", "enum"):
            if isinstance(schema.get(key), list) and schema[key]:
                return schema[key][0]
        return self._composed(schema, name, depth + 1)

    def _composed(self, schema: dict[str, Any], name: str, depth: int) -> Any:
        if isinstance(schema.get("allOf"), list):
            parts = [self._of_schema(one, name, depth) for one in schema["allOf"]] or [{}]
            objects = [one for one in parts if isinstance(one, dict)]
            return {key: value for one in objects for key, value in one.items()} if objects else parts[0]
        for key in ("oneOf", "anyOf"):
            if isinstance(schema.get(key), list):
                return self._first(schema[key], name, depth)
        if isinstance(schema.get("properties"), dict):
            return self._of_properties(schema, name, depth)
        if "items" in schema:
            return [self._of_schema(schema["items"], f"{name}[0]", depth)]
        raise NoExampleError(name)

    def _first(self, schemas: list[Any], name: str, depth: int) -> Any:
        for one in schemas:
            try:
                return self._of_schema(one, name, depth)
            except NoExampleError:
                continue
        raise NoExampleError(name)

    def _of_properties(self, schema: dict[str, Any], name: str, depth: int) -> dict[str, Any]:
        """Return an object of all properties with an example. Raises `NoExampleError` for a required one without."""
        required = schema.get("required", [])
        found = {}
        for key, one in schema["properties"].items():
            try:
                found[key] = self._of_schema(one, f"{name}.{key}", depth)
            except NoExampleError:
                if key in required:
                    raise
        return found

    def _at(self, reference: str) -> Any:
        if not reference.startswith("#/"):
            raise NoExampleError(f"'{reference}', which is in another document")
        value: Any = self._document
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(value, dict) or key not in value:
                raise NoExampleError(f"'{reference}', which does not exist")
            value = value[key]
        return value
