"""What is wrong with a request, in Almanach's words where it has some; each error knows its status."""

from __future__ import annotations

from collections.abc import Mapping


class ApiError(Exception):
    """Answered with ``status`` and ``{"error": told}``."""

    status = 500

    def __init__(self, told: str | Mapping[str, str]) -> None:
        super().__init__(told)
        self.told = told


class RefusedError(ApiError):
    """Understood, and not done: it cannot be meant."""

    status = 400


class MissingError(RefusedError):
    def __init__(self, name: str) -> None:
        super().__init__(f"The '{name}' param is mandatory for the request you have made.")


class InvalidError(RefusedError):
    """No JSON, or a value of a kind that cannot be."""

    def __init__(self) -> None:
        super().__init__("Invalid parameter or payload")


class BadDateError(RefusedError):
    def __init__(self) -> None:
        super().__init__(
            "The provided date has an invalid format. Format should be of yyyy-mm-ddThh:mm:ss.msZ, ex: 2015-01-31T18:24:34.1523Z"
        )


class ForbiddenError(ApiError):
    status = 403


class NotFoundError(ApiError):
    status = 404


class TooLargeError(ApiError):
    status = 413


class UnavailableError(ApiError):
    """It may be done later, or once caso is configured for it."""

    status = 503
