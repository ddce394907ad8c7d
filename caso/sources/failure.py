"""What keystoneauth raises, as errors that say what was being done, to what, what is wrong and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
from keystoneauth1 import exceptions as ksa

from caso.errors import DeniedError, SourceError
from caso.printing import without_credentials
from caso.sources.api import LoginError, LostMarkerError, MissingError

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
LONGEST_REASON = 300
WRAPPED = r"""HTTPS?ConnectionPool\(.*\(Caused by \w+\(["']?(?:HTTPS?Connection\(.*?\): )?(.*?)["']?\)\)$"""


class RefusedAnswerError(requests.RequestException):
    """caso does not take this answer, now or later."""


class AnswerTooLargeError(RefusedAnswerError):
    """More than any service has to say at once."""


class ForeignRedirectError(RefusedAnswerError):
    """The answer points to another host, which would be sent the token."""


class GarbledError(ksa.ClientException):
    """An answer came, and cannot be read: the service, or what stands before it, was in trouble while it wrote it."""


UNREADABLE = (GarbledError, ksa.InvalidResponse)
"""Answers that are no answers; keystoneauth raises the second where that is a token's."""


def unanswered(exc: Exception) -> bool:
    """True when the service did not say anything to the question; another one need not fare better."""
    if isinstance(exc, ksa.HttpError):
        return exc.http_status in RETRIED_STATUSES
    return isinstance(exc, (ksa.ConnectionError, *UNREADABLE)) and not is_refused(exc)


def may_pass(exc: Exception) -> bool:
    """True when the same request may well succeed in a second.

    Not a timeout: Nova takes up to 11 s for a page, and one that was silent for a minute would only be loaded more.
    """
    return unanswered(exc) and not isinstance(exc, ksa.ConnectTimeout | ksa.SSLError)


def login_failed(exc: Exception, scope: str) -> SourceError:
    """Why there is no token for ``scope``."""
    if _is_denied(exc):
        return LoginError(
            f"keystone: no token for {scope}: {reason(exc)}; "
            f"check the credentials, and that the user has a role (reader will do) for {scope}"
        )
    return SourceError(f"keystone: cannot get a token for {scope}: {reason(exc)}; {_advice(exc)}")


MAY_READ = "give the user a role that may (reader for one project, admin for all at once)"
MAY_CHANGE = "do it as a user that may (an administrator, with --os-cloud say)"


def request_failed(exc: Exception, what: str, *, denied: str = MAY_READ) -> SourceError:
    """Why ``what`` ("nova: cannot list servers of project X") failed; ``denied`` is what to do where the role is too small."""
    text = f"{what}: {reason(exc)}; {denied if _is_denied(exc) else _advice(exc)}"
    if _is_denied(exc):
        return DeniedError(text)
    if isinstance(exc, ksa.HttpError):
        if exc.http_status == 404:
            return MissingError(text)
        if exc.http_status == 400 and "marker" in reason(exc).lower():
            return LostMarkerError(text)
    if isinstance(exc, ksa.EndpointNotFound):
        return MissingError(text)
    return SourceError(text)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """What keystoneauth raises within the block, as :func:`request_failed` says it: for who asks by another library."""
    try:
        yield
    except ksa.ClientException as exc:
        raise request_failed(exc, what) from exc


def reason(exc: Exception) -> str:
    """The cause in the service's own words, on one line, without credentials that an URL may carry."""
    ending = ""
    if isinstance(exc, ksa.HttpError):
        request = f", request {exc.request_id}" if exc.request_id else ""
        ending = f" (HTTP {exc.http_status}{request})"
        text = str(_from_body(exc) or exc.details or exc.message)
    else:
        # requests and urllib3 wrap the cause in three layers of their own words.
        text = re.sub(WRAPPED, r"\1", str(exc))
    # A proxy answers with a page of HTML; one of nothing but "<" must not be looked through again from each.
    text = re.sub(r"<[^<>]*>", " ", text)
    # Before it is cut: half a password is one too many.
    return without_credentials(" ".join(text.split()))[:LONGEST_REASON] + ending[:LONGEST_REASON]


def _from_body(exc: ksa.HttpError) -> str | None:
    # Nova answers {"forbidden": {"message": ...}}, which keystoneauth calls an unrecognized schema.
    try:
        body = exc.response.json() if exc.response is not None else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    messages = (part.get("message") for part in body.values() if isinstance(part, dict))
    return next((message for message in messages if isinstance(message, str)), None) or _description(body)


def _description(body: Mapping[str, Any]) -> str | None:
    """Gnocchi's way: a text, or a cause with its reason and detail."""
    told = body.get("description")
    if isinstance(told, dict):
        told = ": ".join(str(told[key]) for key in ("cause", "reason", "detail") if told.get(key))
    return told if isinstance(told, str) else None


def _is_denied(exc: Exception) -> bool:
    return isinstance(exc, ksa.HttpError) and exc.http_status in (401, 403)


def is_refused(exc: Exception) -> bool:
    """True where caso itself does not take the answer."""
    return isinstance(getattr(exc, "original", None), RefusedAnswerError)


def _advice(exc: Exception) -> str:
    if is_refused(exc):
        return "correct auth_url or the endpoint in the catalog; see what answers there"
    if isinstance(exc, ksa.HttpError):
        if exc.http_status in RETRIED_STATUSES:
            return "the service is overloaded or down; the next run asks again"
        return "see the log of the service"
    if isinstance(exc, ksa.ConnectTimeout):
        return "if the service is only slow, raise timeout in [keystone_auth]"
    if isinstance(exc, ksa.SSLError) and "CERTIFICATE_VERIFY_FAILED" not in str(exc):
        return "check that the service speaks TLS there: is it http in place of https?"
    if isinstance(exc, ksa.SSLError):
        return "use the name that the certificate is for; set cafile in [keystone_auth] to the authority that signed it"
    if isinstance(exc, ksa.ConnectionError):
        return "check that the service runs and can be reached from here"
    if isinstance(exc, ksa.EndpointNotFound):
        return "check region_name and interface"
    if isinstance(exc, UNREADABLE):
        return "see what stands before the service: is a proxy answering in its place?"
    return "check the options in [keystone_auth]"
