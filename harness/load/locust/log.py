"""Where what we say in Locust's own log goes through: without secrets, and no text of others steers a terminal."""

import logging

from harness.redaction.visible import shown


class _FitToShow(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = shown(record.getMessage()), ()
        return True


LOG = logging.getLogger("harness")
LOG.addFilter(_FitToShow())
