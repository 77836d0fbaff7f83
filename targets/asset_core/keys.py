"""Keys of caches and tables. Parts are escaped, so that no tenant or id can address another's data."""

CACHE_PREFIX = "asset"
META_KEY = "META"
TECHNOLOGY_PREFIX = "TECH#"


def cache_key(tenant: str, asset_id: str) -> str:
    """Return `asset:{tenant}:{id}:full` with `%` and `:` of the parts escaped."""
    return f"{CACHE_PREFIX}:{_escape(tenant)}:{_escape(asset_id)}:full"


def job_key(tenant: str, job_id: str) -> str:
    """Return `job:{tenant}:{id}` with `%` and `:` of the parts escaped."""
    return f"job:{_escape(tenant)}:{_escape(job_id)}"


def partition_key(tenant: str, asset_id: str) -> str:
    """Return `T#{tenant}#A#{id}`; raises ValueError for a part with `#`, which no valid name has."""
    if "#" in tenant or "#" in asset_id:
        raise ValueError("`#` is reserved for keys")
    return f"T#{tenant}#A#{asset_id}"


def identity_of(partition: str) -> tuple[str, str]:
    """Return (tenant, id) of a partition key."""
    _, tenant, _, asset_id = partition.split("#")
    return tenant, asset_id


def technology_key(name: str) -> str:
    """Return the sort key of a technology."""
    return f"{TECHNOLOGY_PREFIX}{name}"


def _escape(part: str) -> str:
    if ":" not in part and "%" not in part:
        return part
    return part.replace("%", "%25").replace(":", "%3A")
