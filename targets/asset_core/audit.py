"""Log refusals for audits: one JSON line for each refusal, never with the token in it."""

import json
import logging

AUDIT = logging.getLogger("asset_core.audit")


def audit(*, who: str, what: str, outcome: str, reason: str, source: str) -> None:
    """Log one refusal. Text that callers control is escaped as JSON, so that no line can be forged."""
    event = {
        "event": "access",
        "who": who,
        "what": what,
        "outcome": outcome,
        "reason": reason,
        "source": source,
    }
    AUDIT.warning("%s", json.dumps(event, separators=(",", ":")))
