"""The settings for making the resources of a process, any number of times."""

import dataclasses

from targets.asset_core.clocks import Clocks
from targets.asset_core.executor import Wrap, identity
from targets.asset_core.profiles import LAMBDA, Profile
from targets.asset_core.settings import TokenSettings
from targets.asset_core.stores.protocols import OpenStores
from targets.asset_core.switches import OPTIMISED, Switches


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The token settings, stores, limits and patterns. `seed` is that of jitter and of the vulnerability feed."""

    tokens: TokenSettings
    open_stores: OpenStores
    profile: Profile = LAMBDA
    switches: Switches = OPTIMISED
    wrap: Wrap = identity
    clocks: Clocks = dataclasses.field(default_factory=Clocks)
    seed: int = 1
