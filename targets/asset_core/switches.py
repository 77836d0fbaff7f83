"""The optimisation patterns of the core, each of which can be switched off to measure its effect."""

import dataclasses

from targets.asset_core.errors import SwitchError

_STATES = {"on": True, "off": False}


@dataclasses.dataclass(frozen=True, slots=True)
class Switches:
    """One field for each pattern. No setting changes the body of a response, except for times."""

    warm_init: bool = True
    """Clients, keys and caches made once per process; off: made for each request."""
    pooling: bool = True
    """Connections kept and reused; off: one connection per back-end call."""
    fast_routing: bool = True
    """A precompiled table; off: regular expressions in turn."""
    token_cache: bool = True
    """Verified tokens remembered; off: a signature check per request."""
    compiled_validators: bool = True
    """Compiled patterns; off: rules interpreted character by character."""
    buffer_reuse: bool = True
    """Bodies encoded into pooled buffers (with `fast_json` only: the stdlib cannot encode into one)."""
    fast_json: bool = True
    """msgspec; off: the stdlib's json over plain dictionaries."""
    compression: bool = True
    """gzip for callers that accept it and bodies over 1 KiB."""
    l1: bool = True
    """The cache in this process."""
    l2: bool = True
    """The cache in Redis."""
    cache_encoded: bool = True
    """Caches hold the encoded body; off: the object, encoded on each hit."""
    single_flight: bool = True
    """Concurrent misses of one key share one fetch."""
    parallel_fetch: bool = True
    """The four queries of a miss run concurrently; off: one after the other."""
    batch_writes: bool = True
    """25 items a call; off: one put per item."""
    batched_reads: bool = True
    """One read per store for all assets of a batch; off: asset by asset."""
    object_pools: bool = True
    """Requests, results and lists reused; off: each is new."""
    gc_policy: bool = True
    """The garbage collector ignores the objects of initialisation, and runs rarely; off: the interpreter's defaults."""
    worker_pools: bool = True
    """Bounded pools do the work; off: a thread or greenlet for each item, without a bound."""


OPTIMISED = Switches()
BASELINE = Switches(**{field.name: False for field in dataclasses.fields(Switches)})
VARIANTS = {"baseline": BASELINE, "optimised": OPTIMISED}


def parse_switches(variant: str, changes: str = "") -> Switches:
    """Return the switches of a variant with changes such as `l1:off,l2:on` applied in order.

    SwitchError for an unknown variant, switch or state.
    """
    if variant not in VARIANTS:
        raise SwitchError(
            f"there is no variant {variant!r}", where="variant", remedy=f"Use one of: {', '.join(VARIANTS)}"
        )
    settings = dict(_parse_change(change) for change in changes.split(",") if change.strip())
    return dataclasses.replace(VARIANTS[variant], **settings)


def _parse_change(change: str) -> tuple[str, bool]:
    name, _, state = (part.strip() for part in change.partition(":"))
    known = [field.name for field in dataclasses.fields(Switches)]
    if name not in known:
        raise SwitchError(
            f"there is no switch {name!r}", where="switches", remedy=f"Known: {', '.join(known)}"
        )
    if state not in _STATES:
        raise SwitchError(
            f"switch {name!r} cannot be {state!r}", where="switches", remedy="Write name:on or name:off"
        )
    return name, _STATES[state]
