"""Check the lines of a journey: a file of requests in which a line saves a value or has a pause."""

from collections.abc import Sequence

from harness.errors import UsageError
from harness.requests.template import Template, is_placeholder
from harness.requests.values import Values


def are_steps(templates: Sequence[Template]) -> bool:
    """Return True if the entries are the steps of a journey."""
    return any(one.is_step for one in templates)


def saved_before(templates: Sequence[Template]) -> list[frozenset[str]]:
    """Return the names of the values that earlier steps have saved, by step."""
    found: list[frozenset[str]] = []
    saved: frozenset[str] = frozenset()
    for one in templates:
        found.append(saved)
        saved = saved.union(save.name for save in one.save)
    return found


def check_steps(templates: Sequence[Template], values: Values) -> None:
    """Raise `UsageError` for a weight, and for a placeholder that neither an earlier step nor a column of values fills."""
    saving = {save.name: one.where for one in reversed(templates) for save in one.save}
    for one, saved in zip(templates, saved_before(templates), strict=True):
        if one.has_weight:
            raise UsageError(
                "A step of a journey has a weight, but steps are made in the order of their lines", where=one.where,
                remedy="Remove the weight, or remove save and pause from every line of the file",
            )  # fmt: skip
        for name in sorted(one.values.difference(saved, values.columns)):
            when = f": it is saved only at {saving[name]}" if name in saving else ""
            column = (
                f"add a column '{name}' to {values.file}"
                if values.file
                else f"give values=FILE.csv with a column '{name}'"
            )
            raise UsageError(
                f"The placeholder {{{name}}} has no value in this step{when}", where=one.where,
                remedy=f'Save it in an earlier step ("save": {{"{name}": "..."}}), or {column}; if the braces are meant, write {{ {name} }}',
            )  # fmt: skip


def check_paths(templates: Sequence[Template]) -> None:
    """Raise `UsageError` for a path that is one placeholder, such as `{location}`, unless an earlier step saves it."""
    for one, saved in zip(templates, saved_before(templates), strict=True):
        path = one.draft.path if one.draft else "/"
        if is_placeholder(path) and path[1:-1] not in saved:
            raise UsageError(
                f"The path '{path}' does not begin with a slash", where=one.where,
                remedy="Write it as /path. Only an address that an earlier step of a journey saves is a path by itself",
            )  # fmt: skip
