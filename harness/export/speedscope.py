"""Export profiles to speedscope: its "sampled" form, one profile for each side or kind."""

import json
from collections.abc import Sequence

from harness.profiles.stacks.folded import Profile
from harness.profiles.stacks.frames import frame_path

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_UNITS = {"bytes": "bytes", "ns": "nanoseconds"}


def as_speedscope(name: str, profiles: Sequence[tuple[str, Profile]]) -> str:
    """Return one JSON document with every `(label, profile)`; all of them share the frames.

    Weights are unchanged, in the profile's unit; speedscope has none for samples and allocations.
    """
    places: dict[str, int] = {}
    lines = {frame: line for _, profile in profiles for frame, line in profile.lines.items()}
    sampled = [_sampled(label, profile, places) for label, profile in profiles]
    frames = [
        {"name": frame, **_position(frame, lines)} for frame in places
    ]  # Frames are in the order of their numbers.
    return json.dumps(
        {
            "$schema": _SCHEMA,
            "exporter": "harness",
            "name": name,
            "shared": {"frames": frames},
            "profiles": sampled,
        }
    )


def _sampled(label: str, profile: Profile, places: dict[str, int]) -> dict[str, object]:
    # Numbers the frames in `places` as they come.
    return {
        "type": "sampled",
        "name": label,
        "unit": _UNITS.get(profile.unit, "none"),
        "startValue": 0,
        "endValue": profile.total,
        "samples": [[places.setdefault(frame, len(places)) for frame in stack] for stack in profile.stacks],
        "weights": list(profile.stacks.values()),
    }


def _position(frame: str, lines: dict[str, int]) -> dict[str, object]:
    path = frame_path(frame)
    return {**({"file": path} if path else {}), **({"line": lines[frame]} if frame in lines else {})}
