"""Filter the harness's messages in Locust's log: remove secrets and escape control characters."""

import logging

from harness.redaction.visible import shown


class _FitToShow(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = shown(record.getMessage()), ()
        return True


LOG = logging.getLogger("harness")
LOG.addFilter(_FitToShow())
