"""Errors as one line of log each, whatever texts of callers or servers are in them: no line can be forged."""

import logging
import traceback


def one_line(text: str) -> str:
    """Return a text with everything escaped that ends a line, steers a terminal or is not seen."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


def log_error(logger: logging.Logger, what: str, error: BaseException, level: int = logging.ERROR) -> None:
    """Log an error that nobody planned for, its traceback and causes included, as one line."""
    logger.log(level, "%s: %s", what, one_line("".join(traceback.format_exception(error)).rstrip()))
