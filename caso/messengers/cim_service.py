"""GreenDIGIT's CIM service over HTTP: a token for an e-mail address and a password, then whatever is submitted with it.

Credentials stand in bodies only, and the token in a header: URLs are written into the logs of servers and proxies.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

import requests
from requests import Response, codes
from requests.auth import AuthBase

from caso.errors import DeliveryError
from caso.printing import printable, without_credentials
from caso.sources.failure import LONGEST_REASON, RefusedAnswerError, reason
from caso.sources.traffic import Traffic
from caso.sources.transport import Transport

API = "/gd-cim-api/v1"
LARGEST_ANSWER = 1024 * 1024
"""Bytes; the service answers with a few hundred, and its page of a token has some 6 KB."""
CONTENT_REFUSED = frozenset({codes.bad_request, codes.request_entity_too_large, codes.unprocessable_entity})
NO_WAY_IN = frozenset({codes.not_found, codes.method_not_allowed, codes.unsupported_media_type, codes.unprocessable_entity})
"""A token is not to be had at this path, or not in this way."""
TOKEN_IN_PAGE = re.compile(r"""id=["']access-token["'][^<>]*>\s*([^\s<>]+)""")
VISIBLE_ASCII = re.compile("[!-~]+")


class ContentRefusedError(Exception):
    """The service does not take what was submitted, for what it holds; the text says why, in the service's words."""


class _Bearer(AuthBase):
    """Sends the token; without one nothing: requests would send what ~/.netrc has for the host."""

    def __init__(self, token: str | None = None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class CimService:
    """The service at ``base_url``. ``timeout`` is for one answer, in seconds; a token is kept until it is refused."""

    def __init__(self, base_url: str, email: str, password: str, *, verify: bool = True, timeout: float = 60) -> None:
        self.url = without_credentials(base_url.rstrip("/"))
        self._email = email
        self._password = password
        self._verify = verify
        self._timeout = timeout
        self._token: str | None = None
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, Transport(Traffic(), longest=timeout, largest=LARGEST_ANSWER))

    def submit(self, body: bytes, what: str) -> None:
        """Return once the service has ``body``, which is JSON; ``what`` is how messages call it.

        ContentRefusedError: it is to blame. DeliveryError: it may be sent again as it is.
        """
        doing = f"cannot hand {what} to {self.url}"
        response = self._submit(body, doing)
        if response.status_code == codes.unauthorized:
            # It has expired, a day after it was given, or the service was started anew.
            self._token = None
            response = self._submit(body, doing)
        if response.status_code in CONTENT_REFUSED:
            raise ContentRefusedError(f"{_status(response)}{self._words(response)}")
        if not 200 <= response.status_code < 300:
            raise DeliveryError(f"{doing}: {_status(response)}{self._words(response)}; {_advice(response)}")
        kept = _is_kept(response)
        if kept is None:
            _raise_not_the_service(doing)
        if not kept:
            raise DeliveryError(
                f"{doing}: the service says that it has not kept it{self._words(response)}; the next run tries again"
            )

    def login(self) -> None:
        """Return once there is a token; DeliveryError where the service gives none."""
        if self._token is None:
            self._token = self._new_token(f"cannot get a token from {self.url}")

    def _submit(self, body: bytes, doing: str) -> Response:
        self.login()
        return self._post("/submit", doing, _Bearer(self._token), data=body, headers={"Content-Type": "application/json"})

    def _new_token(self, doing: str) -> str:
        response = self._post("/token", doing, json={"email": self._email, "password": self._password})
        if response.status_code in NO_WAY_IN:
            # There the service wants the password in the URL; its form for people takes it in the body.
            response = self._post("/login", doing, data={"username": self._email, "password": self._password})
        if response.status_code in {*CONTENT_REFUSED, codes.unauthorized, codes.forbidden}:
            raise DeliveryError(f"{doing}: {_status(response)}; check email and password in [greendigit_cim]")
        if not 200 <= response.status_code < 300:
            raise DeliveryError(f"{doing}: {_status(response)}; {_advice(response)}")
        token = _token_in(response)
        if token is None:
            _raise_not_the_service(doing)
        return token

    def _post(self, path: str, doing: str, auth: _Bearer | None = None, **request: Any) -> Response:
        try:
            return self._session.post(
                self.url + API + path,
                auth=auth or _Bearer(),
                verify=self._verify,
                timeout=self._timeout,
                allow_redirects=False,
                **request,
            )
        except (requests.RequestException, OSError, ValueError) as exc:
            # Not from it: the request, with the password in its body, hangs on what requests raises.
            raise DeliveryError(f"{doing}: {self._hidden(reason(exc))}; {self._advice(exc)}") from None

    def _words(self, response: Response) -> str:
        """What the service says of its refusal, on one line; empty where that is a page or nothing."""
        try:
            body = response.json()
        except (ValueError, RecursionError):
            return ""
        found = (
            next((body[name] for name in ("detail", "message", "error") if body.get(name)), "") if isinstance(body, dict) else ""
        )
        text = printable(" ".join(self._hidden(str(found)).split()))[:LONGEST_REASON]
        return f": {text}" if text else ""

    def _hidden(self, text: str) -> str:
        for secret in filter(None, (self._token, self._password)):
            text = text.replace(secret, "***")
        return text

    def _advice(self, exc: Exception) -> str:
        match exc:
            case requests.exceptions.SSLError() if "CERTIFICATE_VERIFY_FAILED" in str(exc):
                return "use the name that the certificate is for, and see that this machine knows the authority that signed it"
            case requests.exceptions.SSLError():
                return "check that the service speaks TLS there: is it http in place of https?"
            case requests.Timeout():
                return f"if the service is only slow, give it more than {self._timeout:g} seconds in [greendigit_cim] timeout"
            case requests.ConnectionError() if not isinstance(exc, RefusedAnswerError):
                return "check that the service runs and can be reached from here, and [greendigit_cim] base_url"
        return "correct [greendigit_cim] base_url; see what answers there"


def is_plain(base_url: str) -> bool:
    """Whether who listens on the way reads the password: no TLS, and not within this machine."""
    parts = urlsplit(base_url)
    return parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}


def _status(response: Response) -> str:
    # Not in the service's words: they may repeat what was sent.
    return f"HTTP {response.status_code} {http.client.responses.get(response.status_code, '')}".rstrip()


def _advice(response: Response) -> str:
    if response.status_code in (codes.unauthorized, codes.forbidden):
        return "check email and password in [greendigit_cim], and that GreenDIGIT lets this account publish"
    if response.status_code >= codes.internal_server_error or response.status_code == codes.too_many_requests:
        return "the service is in trouble; the next run tries again"
    return "correct [greendigit_cim] base_url; see what answers there"


def _is_kept(response: Response) -> bool | None:
    """What a good status is worth: False where the answer says no, None where it is none of the service: a page, or nothing."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return None
    answers = [body, body.get("stored")] if isinstance(body, dict) else []
    return not any(isinstance(one, dict) and one.get("ok") is False for one in answers)


def _token_in(response: Response) -> str | None:
    """The token in an answer, which is JSON or a page for people; None where there is none that a header can carry."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = {"token": found[1]} if (found := TOKEN_IN_PAGE.search(response.text)) else {}
    members: Mapping[str, object] = body if isinstance(body, dict) else {}
    token = members.get("access_token") or members.get("token")
    return token if isinstance(token, str) and VISIBLE_ASCII.fullmatch(token) else None


def _raise_not_the_service(doing: str) -> NoReturn:
    raise DeliveryError(
        f"{doing}: what answers is not GreenDIGIT's service; correct [greendigit_cim] base_url, and see whether a proxy answers"
    )
