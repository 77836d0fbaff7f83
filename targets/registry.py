"""The targets that come with the harness: a literal table, without registration on import."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One target by name: the location of its factory, as text, so that listing it imports nothing."""

    factory: str
    summary: str
    variants: tuple[str, ...] = ()
    needs_servers: bool = False
    in_memory: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Parameters with which it needs no server, and waits for nothing."""
    switches: str = ""
    """Class of its switches, as `module:class`: each field is one that the parameter `switches` turns off."""
    exact: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Parameters under which equal requests do equal work, for exact counting."""
    asyncio: str = ""
    """Factory of the target as coroutines, for `engine=asyncio`."""


def _known(name: str, summary: str) -> Entry:
    return Entry(f"targets.known:{name}", summary, asyncio=f"targets.known_asyncio:{name}")


TARGETS: dict[str, Entry] = {
    "asset-core": Entry(
        "targets.core_target:create",
        "the asset-processing core",
        variants=("optimised", "baseline"),
        needs_servers=True,
        in_memory={"backends": "memory", "latency_ms": "0"},
        switches="targets.asset_core.switches:Switches",
        exact={"backends": "memory", "latency_ms": "0", "clock": "stopped"},
    ),
    "known:noop": _known("noop", "returns at once"),
    "known:constant": _known("constant", "yields for service_ms"),
    "known:spin": _known("spin", "holds the loop for spin_us"),
    "known:stall": _known("stall", "yields for service_ms; holds the loop once, for stall_ms"),
    "known:bimodal": _known("bimodal", "holds the loop for fast_us or, sometimes, slow_us"),
    "known:lognormal": _known("lognormal", "holds the loop for a lognormal time"),
    "known:failing": _known("failing", "fails or times out on every n-th call"),
    "known:leaking": _known("leaking", "keeps leak_bytes for ever on every call"),
}
