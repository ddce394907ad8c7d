"""Prometheus: raw samples with their own times, series by series, however large the answer is."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1.session import Session

from caso.errors import SourceError
from caso.printing import without_credentials
from caso.sources.failure import reason
from caso.sources.manners import Manners, Subject
from caso.sources.prometheus_failure import query_error, query_failed
from caso.sources.retrying import retried
from caso.sources.series import Series, SeriesReader
from caso.window import Window

LOG = logging.getLogger(__name__)

PATH = "/api/v1/query"
STATUS = "/api/v1/status/runtimeinfo"
DURATION = re.compile(r"(\d+)(ms|[smhdwy])")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0, "y": 365 * 86400.0}
LONGEST_RETENTION = 100 * SECONDS["y"]
"""Who says more than that says that nothing is forgotten."""
LONGEST_SELECTOR = 200
"""Characters of it in a message; of a site's servers, it may name each."""
BROKEN_OFF = "see what stands before the server; the next run asks again"


class Answer(Iterator[Series]):
    """The series of one query, as they come. ``warnings`` are whole after the last one: a part of the data may be missing."""

    def __init__(self, series: Callable[[Answer], Iterator[Series]]) -> None:
        self.warnings: tuple[str, ...] = ()
        self._series = series(self)

    def __next__(self) -> Series:
        return next(self._series)


class Metering(Protocol):
    """What an extractor asks of such a server; see :class:`Prometheus`. A fake is in ``caso.testing``."""

    def samples(self, selector: str, window: Window, *, margin_seconds: float = 0, step_seconds: int | None = None) -> Answer:
        """The samples of each series that the selector finds."""

    def retention(self) -> timedelta | None:
        """For how long it keeps samples, where it says so."""


class Prometheus:
    """One server that speaks Prometheus' HTTP API, be it Thanos, Mimir or VictoriaMetrics. Threads may share it.

    ``url`` is what stands before ``/api/v1``. ``headers`` are sent with each query: an Authorization, a tenant.
    ``session`` is one of :func:`caso.sources.session.new_session`, with the traffic of ``manners``.
    """

    name = "prometheus"

    def __init__(
        self, url: str, *, session: Session, manners: Manners | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        self._url = url.rstrip("/").removesuffix("/api/v1")
        self._session = session
        self._manners = manners or Manners()
        self._headers = {**(headers or {}), "Accept": "application/json"}
        self._about = Subject(self.name, urlsplit(url).netloc.rpartition("@")[2], PATH)

    def samples(self, selector: str, window: Window, *, margin_seconds: float = 0, step_seconds: int | None = None) -> Answer:
        """The samples of each series that ``selector`` finds, with a time in the window.

        One query, sent when the first series is asked for. ``margin_seconds`` widens the window on both sides, to know
        what was before and after it. With ``step_seconds`` ``selector`` may be any expression: it is evaluated at each
        multiple of these, and finds a series for five minutes after its last sample.
        """
        start, end = window.start.timestamp() - margin_seconds, window.end.timestamp() + margin_seconds
        # A range that is asked for at its end has both ends in Prometheus 2, and not its start in 3: ask for a little
        # more, and look at the times here.
        milliseconds = math.ceil((end - start) * 1000) + 1
        expression = (
            f"{selector}[{milliseconds}ms]" if step_seconds is None else f"({selector})[{milliseconds}ms:{step_seconds}s]"
        )
        form = {"query": expression, "time": f"{end:.3f}"}
        asked = selector if len(selector) <= LONGEST_SELECTOR else f"{selector[:LONGEST_SELECTOR]}..."
        what = f"prometheus: cannot get {asked} in {window} from {without_credentials(self._url)}"
        return Answer(lambda answer: self._series(answer, form, what, start, end))

    def retention(self) -> timedelta | None:
        """For how long samples are kept, as the server is configured; None where it does not say so, or by their size alone.

        Others than Prometheus itself need not have this page: nothing is wrong then.
        """
        what = f"prometheus: cannot ask {without_credentials(self._url)} how long it keeps samples"
        about = self._about._replace(kind=STATUS)
        try:
            self._manners.require_hope(about, what)
            with self._manners.traffic.to(self.name, self._about.region):
                response = self._session.request(self._url + STATUS, "GET", headers=self._headers, authenticated=False, log=False)
            return kept_for(str(response.json()["data"]["storageRetention"]))
        except (SourceError, ksa.ClientException, ValueError, KeyError, TypeError, OverflowError, RecursionError) as exc:
            LOG.debug("%s: %s", what, exc)
            return None

    def _series(self, answer: Answer, form: Mapping[str, str], what: str, start: float, end: float) -> Iterator[Series]:
        with closing(self._begun(form, what)) as response:
            reader = SeriesReader(response.raw)
            try:
                for series in reader:
                    yield series.between(start, end)
            except (requests.RequestException, ValueError) as exc:
                self._manners.require_time(what)
                raise SourceError(f"{what}: {reason(exc)}; {BROKEN_OFF}") from exc
            answer.warnings = reader.warnings
            for warning in answer.warnings:
                LOG.warning("%s as a whole: it warns of %s", what, warning)

    def _begun(self, form: Mapping[str, str], what: str) -> requests.Response:
        """The answer up to its body; Prometheus has worked it out by then."""
        self._manners.require_hope(self._about, what)
        try:
            with self._manners.traffic.to(self.name, self._about.region):
                response = retried(lambda: self._post(form), what, self._manners.deadline, self._manners.sleep)
        except ksa.ClientException as exc:
            self._manners.note(self._about, what, exc)
            self._manners.require_time(what)
            raise query_failed(exc, what) from exc
        self._manners.note(self._about, what)
        return response

    def _post(self, form: Mapping[str, str]) -> requests.Response:
        try:
            # A selector of many labels is too long for an URL. keystoneauth's own log would read the body.
            response: requests.Response = self._session.request(
                self._url + PATH, "POST", data=form, headers=self._headers, authenticated=False, log=False, stream=True
            )
        except ksa.HttpError as exc:
            raise (query_error(exc) or exc) from exc
        return response


def kept_for(text: str) -> timedelta | None:
    """The time in what Prometheus says of its retention; None where there is none in it.

    >>> kept_for("1w3d12h"), kept_for("15d or 512MiB"), kept_for("512MiB")
    (datetime.timedelta(days=10, seconds=43200), datetime.timedelta(days=15), None)
    """
    time, _, _ = text.partition(" or ")
    if not re.fullmatch(rf"({DURATION.pattern})+", time):
        return None
    seconds = sum(int(number) * SECONDS[unit] for number, unit in DURATION.findall(time))
    return timedelta(seconds=seconds) if 0 < seconds <= LONGEST_RETENTION else None
