"""The two sides of a comparison, as the user names them."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from harness.errors import UsageError


@dataclasses.dataclass(frozen=True, slots=True)
class TreeSide:
    """Code in a tree: a revision of the project in `project`, or that folder as it is (`revision` of None).

    `title` is the displayed name, where that is not the revision.
    """

    spec: str
    project: Path
    revision: str | None = None
    title: str = ""

    @property
    def label(self) -> str:
        """Displayed name."""
        return self.title or self.revision or ("the working tree" if self.spec == "." else self.project.name)


@dataclasses.dataclass(frozen=True, slots=True)
class TargetSide:
    """A target of the running harness: the factory as text, its parameters, and its process environment."""

    spec: str
    factory: str
    parameters: Mapping[str, str] = dataclasses.field(default_factory=dict)
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def label(self) -> str:
        """Displayed name."""
        return self.spec.partition(":")[2] or self.spec


Subject = TreeSide | TargetSide


def working_tree(project: Path) -> TreeSide:
    """Return the project's working tree, including uncommitted changes."""
    return TreeSide(".", project.resolve())


def parse_tree(text: str, project: Path) -> TreeSide | None:
    """Return the side of `git:REV` (of the repository of `project`) or `path:CHECKOUT`; None for any other SPEC.

    Raises UsageError if nothing follows the colon, or if the folder does not exist.
    """
    kind, _, rest = text.partition(":")
    if kind not in {"git", "path"}:
        return None
    if not rest:
        raise UsageError(
            f"'{text}' names nothing", remedy="Write git:REVISION, for example git:main, or path:CHECKOUT"
        )
    if kind == "git":
        return TreeSide(text, project.resolve(), rest)
    folder = Path(rest).expanduser()
    if not folder.is_dir():
        raise UsageError(f"'{text}' is not a folder", where=str(folder.absolute()), remedy="Name a checkout")
    return TreeSide(text, folder.resolve())
