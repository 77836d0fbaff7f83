"""The errors of the core: what happened, where, and what to do next."""

from collections.abc import Sequence

from targets.asset_core.logs import one_line


class CoreError(Exception):
    """Base class of the family; `where` names a store, a variable or a field."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return one_line(self._text())

    def _text(self) -> str:
        sentence = f"{self.what} ({self.where})" if self.where else self.what
        return f"{sentence}. {self.remedy}" if self.remedy else sentence


class SettingsError(CoreError):
    """A setting is missing or unusable; `where` is the name of the environment variable."""


class SwitchError(CoreError):
    """A switch that does not exist, or a state that is neither on nor off."""


class DataError(CoreError):
    """Generated or imported data cannot be used as requested; a line of text for each defective line of data."""

    def __str__(self) -> str:
        return "\n".join(map(one_line, self._text().split("\n")))


class RequestError(CoreError):
    """A refusal: the caller receives `status`, `code` and a message without internal details."""

    status = 400
    code = "bad_request"


class InvalidRequestError(RequestError):
    """The request breaks a rule; `fields` lists (field, reason)."""

    def __init__(self, what: str, fields: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(what)
        self.fields = tuple(fields)


class UnauthorisedError(RequestError):
    """No valid token. `what` is for the audit log only; the caller does not learn the reason."""

    status = 401
    code = "unauthorised"


class ForbiddenError(RequestError):
    """The token is valid but lacks the permission."""

    status = 403
    code = "forbidden"


class NotFoundError(RequestError):
    """The object does not exist inside the caller's tenant."""

    status = 404
    code = "not_found"


class MethodNotAllowedError(RequestError):
    """The path exists, but not the method; `allowed` goes into the `Allow` header."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, what: str, allowed: Sequence[str]) -> None:
        super().__init__(what)
        self.allowed = tuple(allowed)


class TooLargeError(RequestError):
    """The body exceeds the size limit."""

    status = 413
    code = "too_large"


class StoreError(CoreError):
    """A back end did not answer; `where` is its name. The caller gets 503."""


class PoolTimeoutError(StoreError):
    """No connection of a store became free in time."""


class PoolFullError(CoreError):
    """A worker pool is full; `where` is its name. The caller gets 503."""

    def __init__(self, pool: str) -> None:
        super().__init__(f"worker pool '{pool}' is full", where=pool, remedy="Submit it again later")


class NotReadyError(CoreError):
    """Initialisation failed, and the failure is remembered for the back-off period. The caller gets 503."""


class DeadlineError(CoreError):
    """The time of the request is used up. The caller gets 504."""
