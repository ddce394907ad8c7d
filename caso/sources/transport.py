"""HTTP on its way: no answer without an end, none too large, not too many at a time, every request counted.

A timeout of requests is one of silence: a service that sends a byte now and then would hold a
connection for ever. Here the whole answer has to be there in time.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, closing
from io import BytesIO
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from keystoneauth1.session import TCPKeepAliveAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError, ReadTimeoutError

from caso.deadline import Deadline
from caso.sources.failure import AnswerTooLargeError, ForeignRedirectError
from caso.sources.traffic import Traffic

LONGEST = 600.0
"""Seconds for one answer; Nova takes up to 11 s for a page."""
LARGEST = 256 * 1024 * 1024
"""Bytes of one answer; a page of a thousand servers has some 3 MB."""
SHORTEST = 0.1
"""Seconds that a question on its way at the deadline has at least."""
PART = 64 * 1024
CONNECTIONS = 64
"""Kept open to each host: as many as there may be threads."""
NOT_OF_THE_WHOLE = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers of the answer as it came over the wire, not of its body as it is handed on."""


class Transport(TCPKeepAliveAdapter):
    """What requests sends through; the session's timeouts are those of silence."""

    def __init__(self, traffic: Traffic, *, longest: float = LONGEST, largest: int = LARGEST, **options: Any) -> None:
        self._traffic = traffic
        self._longest = longest
        self._largest = largest
        super().__init__(pool_maxsize=CONNECTIONS, **options)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """The answer, with its body whole; ``args`` and ``kwargs`` as for :class:`requests.adapters.HTTPAdapter`.

        With ``stream`` its ``raw`` is a :class:`Body`, to be read part by part, however large it is.
        """
        url = (request.url or "").partition("?")[0]
        # Here, and not where a question is asked: who waits for a token that another thread fetches, or until a question
        # may be asked again, is in nobody's way.
        with ExitStack() as stack:
            try:
                stack.enter_context(self._traffic.turn(url))
            except TimeoutError as exc:
                raise requests.exceptions.ConnectTimeout(exc, request=request) from exc
            return self._counted(request, url, *args, **kwargs)

    def _counted(self, request: requests.PreparedRequest, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        began = time.monotonic()
        failed = True
        if isinstance(kwargs.get("timeout"), tuple):
            kwargs["timeout"] = tuple(min(seconds, max(SHORTEST, self._traffic.deadline.left)) for seconds in kwargs["timeout"])
        try:
            begun = super().send(request, *args, **{**kwargs, "stream": True})
            streamed = kwargs.get("stream") and begun.status_code == requests.codes.ok
            response = self._streamed(request, begun) if streamed else self._whole(request, begun, began)
            self._traffic.note_clock(url, response.headers.get("Date"), time.time())
            failed = response.status_code >= requests.codes.bad_request
            _require_same_host(response)
            return response
        finally:
            self._traffic.note(url, time.monotonic() - began, failed=failed)

    def _streamed(self, request: requests.PreparedRequest, response: requests.Response) -> requests.Response:
        response.raw = Body(request, response.raw, self._longest, self._traffic.deadline)
        return response

    def _whole(self, request: requests.PreparedRequest, response: requests.Response, began: float) -> requests.Response:
        raw: HTTPResponse = response.raw
        content = BytesIO()
        with closing(Body(request, raw, self._longest - (time.monotonic() - began), self._traffic.deadline)) as body:
            while part := body.read():
                content.write(part)
                if content.tell() > self._largest:
                    raise AnswerTooLargeError(f"the answer is larger than {self._largest} bytes", request=request)
        headers = {name: value for name, value in raw.headers.items() if name.lower() not in NOT_OF_THE_WHOLE}
        whole = HTTPResponse(BytesIO(content.getvalue()), headers, raw.status, reason=raw.reason, preload_content=False)
        return self.build_response(request, whole)


class Body:
    """The body of an answer, part by part. What it is waited for counts, not what its reader does in between."""

    def __init__(self, request: requests.PreparedRequest, raw: HTTPResponse, longest: float, deadline: Deadline) -> None:
        self._request = request
        self._raw = raw
        self._left = longest
        self._deadline = deadline

    def read(self, size: int = PART) -> bytes:
        """The next part, empty at the end; an exception of requests where it breaks off, or does not end in time."""
        began = time.monotonic()
        try:
            part = self._raw.read1(min(size, PART), decode_content=True) if size > 0 else b""
        except ReadTimeoutError as exc:
            raise requests.exceptions.ReadTimeout(exc, request=self._request) from exc
        except HTTPError as exc:
            raise requests.exceptions.ConnectionError(exc, request=self._request) from exc
        self._left -= time.monotonic() - began
        if part and (self._left < 0 or self._deadline.passed):
            raise requests.exceptions.ReadTimeout("the answer did not end in time", request=self._request)
        return part

    def close(self) -> None:
        """One that was read to its end is in the pool already; another one is of no use any more."""
        self._raw.close()


def _require_same_host(response: requests.Response) -> None:
    """keystoneauth follows a redirection with the token in its headers: not to another host, and never out of TLS."""
    if not response.is_redirect:
        return
    here = urlsplit(response.url)
    there = urlsplit(urljoin(response.url, response.headers["location"]))
    if there.hostname != here.hostname or (here.scheme == "https" and there.scheme != "https"):
        raise ForeignRedirectError(f"it is redirected to {there.scheme}://{there.hostname}", request=response.request)
