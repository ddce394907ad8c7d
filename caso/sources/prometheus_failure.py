"""Why a query of Prometheus failed, and what to do about it."""

from __future__ import annotations

from keystoneauth1 import exceptions as ksa

from caso.errors import DeniedError, SourceError
from caso.sources.api import MissingError
from caso.sources.failure import RETRIED_STATUSES, UNREADABLE, is_refused, reason

TOO_MANY = "too many samples"


class TooMuchError(SourceError):
    """The query asks for more than the server gives at once; a shorter window may be answered."""


class QueryError(ksa.ClientException):
    """The server itself has said why it does not answer the query: to ask again at once would only be the same work."""

    def __init__(self, kind: str, message: str, status: int) -> None:
        super().__init__(f"{message} ({kind}, HTTP {status})")
        self.kind = kind


def query_error(exc: ksa.HttpError) -> QueryError | None:
    """What Prometheus says for itself; None where something before it has answered."""
    try:
        body = exc.response.json() if exc.response is not None else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict) or not isinstance(body.get("error"), str):
        return None
    return QueryError(str(body.get("errorType")), body["error"], exc.http_status)


def query_failed(exc: ksa.ClientException, what: str) -> SourceError:
    """Why ``what`` ("prometheus: cannot get X") failed."""
    text = f"{what}: {reason(exc)}; {_advice(exc)}"
    if isinstance(exc, ksa.HttpError) and exc.http_status in (401, 403):
        return DeniedError(text)
    if isinstance(exc, ksa.HttpError) and exc.http_status == 404:
        return MissingError(text)
    if isinstance(exc, QueryError) and (TOO_MANY in str(exc) or exc.kind == "timeout"):
        return TooMuchError(text)
    return SourceError(text)


def _advice(exc: ksa.ClientException) -> str:
    if isinstance(exc, QueryError):
        return _about_query(exc)
    if is_refused(exc):
        return "correct prometheus_endpoint; see what answers there"
    if isinstance(exc, ksa.HttpError):
        return _about_status(exc.http_status)
    if isinstance(exc, ksa.ConnectTimeout):
        return "the query is too heavy, or the server too slow: choose fewer series by labels, or raise timeout in [prometheus]"
    if isinstance(exc, ksa.SSLError) and "CERTIFICATE_VERIFY_FAILED" not in str(exc):
        return "check that the server speaks TLS there: is prometheus_endpoint https in place of http?"
    if isinstance(exc, ksa.SSLError):
        return "use the name that the certificate is for, and let cafile in [prometheus] name the authority that signed it"
    if isinstance(exc, UNREADABLE):
        return "see what stands before the server: is a proxy answering in its place?"
    return "check prometheus_endpoint, and that the server runs and can be reached from here"


def _about_query(exc: QueryError) -> str:
    if TOO_MANY in str(exc):
        return "choose fewer series by labels, or raise --query.max-samples of the server"
    if exc.kind in ("timeout", "canceled"):
        return "choose fewer series by labels, or raise --query.timeout of the server"
    if exc.kind == "bad_data":
        return "correct the metric's name, the labels or the query in [prometheus]"
    return "see the log of the server"


def _about_status(status: int) -> str:
    if status in (401, 403):
        return "give caso a user name and password, or a token, that the server or the proxy before it takes"
    if status in (404, 405):
        return "correct prometheus_endpoint: it is what stands before /api/v1"
    if status in RETRIED_STATUSES:
        return "the server is overloaded or down; the next run asks again"
    return "see the log of the server, and what stands before it"
