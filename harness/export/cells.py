"""The one way of a text into a cell of CSV: as a person sees it, and never as a formula.

Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a line's end for a formula, quoted or not
(https://owasp.org/www-community/attacks/CSV_Injection): an apostrophe before it makes it a text.
"""

from harness.redaction.visible import visible

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - full width, which some take too


def cell(text: str) -> str:
    """Return `text` for a cell; a control character stands as its code point."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
