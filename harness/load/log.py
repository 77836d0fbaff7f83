"""Where what we say in Locust's own log goes through: names and messages of others cannot steer a terminal there either."""

import logging

from harness.visible import visible


class _Visible(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = visible(record.getMessage()), ()
        return True


LOG = logging.getLogger("harness")
LOG.addFilter(_Visible())
