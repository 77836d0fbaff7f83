"""Map roles to permissions, in one table."""

import dataclasses

READ = "asset:read"
WRITE = "asset:write"
SUBMIT = "job:submit"

ROLE_PERMISSIONS = {
    "viewer": frozenset({READ}),
    "analyst": frozenset({READ, SUBMIT}),
    "admin": frozenset({READ, WRITE, SUBMIT}),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. `expires_s` is the token's `exp`, in seconds since the epoch."""

    subject: str
    tenant: str
    permissions: frozenset[str]
    expires_s: float


def permissions_of(groups: tuple[str, ...]) -> frozenset[str]:
    """Return the combined permissions of the roles among `groups`; other groups permit nothing."""
    return frozenset().union(*(ROLE_PERMISSIONS[group] for group in groups if group in ROLE_PERMISSIONS))
