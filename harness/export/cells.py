"""Write text into CSV cells: visible, and never as a formula.

Spreadsheets interpret a cell that begins with `=`, `+`, `-`, `@`, a tab or a line's end as a formula, quoted or not
(https://owasp.org/www-community/attacks/CSV_Injection): an apostrophe in front makes it text.
"""

from harness.redaction.visible import visible

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - full width, which some take too


def cell(text: str) -> str:
    """Return `text` for a cell; a control character is written as its code point."""
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
