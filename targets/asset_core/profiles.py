"""Connection limits for the two environments of the core. Times are in seconds; None means no limit."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class DynamoLimits:
    """`idle_connections` are kept; `hard_limit` is the largest number of concurrent calls."""

    idle_connections: int
    hard_limit: int | None
    idle_s: float = 90.0
    connect_s: float = 10.0
    response_s: float = 10.0
    call_s: float = 30.0
    attempts: int = 3


@dataclasses.dataclass(frozen=True, slots=True)
class GraphLimits:
    """Limits for the graph: `retry_s` bounds managed retries; connections idle for `idle_test_s` are tested."""

    pool_size: int
    acquire_s: float
    retry_s: float
    idle_test_s: float = 5.0
    connect_s: float = 5.0


@dataclasses.dataclass(frozen=True, slots=True)
class RedisLimits:
    """`lifetime_s` bounds the age of a connection; `min_idle` are kept open regardless of their idle time."""

    pool_size: int
    wait_s: float
    min_idle: int = 0
    io_s: float = 3.0
    idle_s: float = 300.0
    lifetime_s: float | None = None
    database: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Profile:
    """All limits of one environment."""

    name: str
    dynamo: DynamoLimits
    graph: GraphLimits
    redis: RedisLimits

    @property
    def fetch_workers(self) -> int:
        """Number of DynamoDB and graph connections together: so waiting happens at the pools, where it is counted."""
        return self.dynamo.idle_connections + self.graph.pool_size


LAMBDA = Profile(
    name="lambda",
    dynamo=DynamoLimits(idle_connections=25, hard_limit=None),
    graph=GraphLimits(pool_size=5, acquire_s=10.0, retry_s=5.0),
    redis=RedisLimits(pool_size=5, wait_s=10.0),
)
SERVER = Profile(
    name="server",
    dynamo=DynamoLimits(idle_connections=50, hard_limit=50),
    graph=GraphLimits(pool_size=20, acquire_s=15.0, retry_s=10.0),
    redis=RedisLimits(pool_size=20, wait_s=30.0, min_idle=5, lifetime_s=1800.0),
)
PROFILES = {profile.name: profile for profile in (LAMBDA, SERVER)}
