"""Log errors as one line each, with any text of callers or servers escaped: no line can be forged."""

import logging
import traceback


def one_line(text: str) -> str:
    """Return a text with line ends, terminal controls and invisible characters escaped."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


def log_error(logger: logging.Logger, what: str, error: BaseException, level: int = logging.ERROR) -> None:
    """Log an unexpected error, with its traceback and causes, as one line."""
    logger.log(level, "%s: %s", what, one_line("".join(traceback.format_exception(error)).rstrip()))
