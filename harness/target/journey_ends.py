"""Count how the journeys of a run's users ended."""

from collections.abc import Sequence

import msgspec


class JourneyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The journeys of a run, warm-up included; those that neither completed nor were abandoned were cut by its end."""

    steps: list[str] = []
    """Operations of the steps, in order."""
    started: int = 0
    completed: int = 0
    abandoned: list[int] = []
    """By step: journeys that ended there, because the call did not complete."""
    later_calls: int = 0
    """Calls after the first of a journey that were intended in the measured time: the plan of the open model lacks them."""


def merged(parts: Sequence[JourneyFacts]) -> JourneyFacts | None:
    """Return the journeys of all processes together; None without parts."""
    if not parts:
        return None
    return JourneyFacts(
        steps=parts[0].steps,
        started=sum(part.started for part in parts),
        completed=sum(part.completed for part in parts),
        abandoned=[sum(counts) for counts in zip(*(part.abandoned for part in parts), strict=True)],
        later_calls=sum(part.later_calls for part in parts),
    )
