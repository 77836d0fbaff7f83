"""Read settings from the environment, checked at start; an error names the variable."""

import dataclasses
import pathlib
from collections.abc import Mapping

from targets.asset_core.errors import SettingsError
from targets.asset_core.profiles import PROFILES, Profile


@dataclasses.dataclass(frozen=True, slots=True)
class TokenSettings:
    """The accepted tokens. The key set is text (`JWKS`) or a file that is read again when a key is unknown."""

    issuer: str
    audience: str
    jwks: str | None = None
    jwks_file: str | None = None

    def read_jwks(self) -> str:
        """Return the key set as JSON text; raises SettingsError if the file cannot be read."""
        if self.jwks is not None:
            return self.jwks
        try:
            return pathlib.Path(self.jwks_file or "").read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"the key set cannot be read: {error}", where="JWKS_FILE", remedy="Name a readable JWKS file"
            ) from error


@dataclasses.dataclass(frozen=True, slots=True)
class StoreSettings:
    """The addresses of the stores. None leaves `dynamo_endpoint` to boto3, and `neo4j_database` to the server: the user's home."""

    table: str
    neo4j_uri: str
    neo4j_user: str
    neo4j_password: str = dataclasses.field(repr=False)
    redis_host: str
    redis_port: int
    redis_password: str | None = dataclasses.field(default=None, repr=False)
    region: str = "us-east-1"
    dynamo_endpoint: str | None = None
    neo4j_database: str | None = None


def read_tokens(environ: Mapping[str, str]) -> TokenSettings:
    """Return the token settings; raises SettingsError, which names the variable."""
    jwks, jwks_file = environ.get("JWKS") or None, environ.get("JWKS_FILE") or None
    if (jwks is None) == (jwks_file is None):
        raise SettingsError(
            "exactly one of JWKS and JWKS_FILE must be set",
            where="JWKS",
            remedy="Set JWKS to the key set's JSON, or JWKS_FILE to its path",
        )
    return TokenSettings(
        issuer=_required(environ, "JWT_ISSUER"),
        audience=_required(environ, "JWT_AUDIENCE"),
        jwks=jwks,
        jwks_file=jwks_file,
    )


def read_stores(environ: Mapping[str, str]) -> StoreSettings:
    """Return the store settings; raises SettingsError, which names the variable."""
    host, port = _endpoint(_required(environ, "REDIS_ENDPOINT"))
    return StoreSettings(
        table=_required(environ, "DYNAMO_TABLE_NAME"),
        region=environ.get("AWS_REGION") or "us-east-1",
        dynamo_endpoint=_url(environ, "AWS_ENDPOINT_URL_DYNAMODB", ("http", "https")),
        neo4j_uri=_bolt_uri(environ),
        neo4j_user=_required(environ, "NEO4J_USER"),
        neo4j_password=_required(environ, "NEO4J_PASSWORD"),
        neo4j_database=environ.get("NEO4J_DATABASE") or None,
        redis_host=host,
        redis_port=port,
        redis_password=environ.get("REDIS_PASSWORD") or None,
    )


def read_profile(environ: Mapping[str, str]) -> Profile:
    """Return the profile in `CORE_PROFILE`, `lambda` if unset."""
    return find_profile(environ.get("CORE_PROFILE") or "lambda")


def find_profile(name: str) -> Profile:
    """Return a profile by name; raises SettingsError for an unknown one."""
    if name not in PROFILES:
        raise SettingsError(
            f"there is no profile {name!r}", where="CORE_PROFILE", remedy=f"Use one of: {', '.join(PROFILES)}"
        )
    return PROFILES[name]


def _required(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise SettingsError("the variable is not set", where=variable, remedy=f"Set {variable}")
    return value


def _bolt_uri(environ: Mapping[str, str]) -> str:
    _required(environ, "NEO4J_URI")
    schemes = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
    return _url(environ, "NEO4J_URI", schemes) or ""


def _url(environ: Mapping[str, str], variable: str, schemes: tuple[str, ...]) -> str | None:
    value = environ.get(variable, "").strip()
    scheme, separator, rest = value.partition("://")
    if value and (scheme not in schemes or not separator or not rest):
        raise SettingsError(
            "the value is not a usable address",
            where=variable,
            remedy=f"Begin with one of: {', '.join(schemes)}",
        )
    return value or None


def _endpoint(value: str) -> tuple[str, int]:
    host, separator, port = value.rpartition(":")
    if not separator or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(
            "the value is not host:port", where="REDIS_ENDPOINT", remedy="Write for example 127.0.0.1:6379"
        )
    return host, int(port)
