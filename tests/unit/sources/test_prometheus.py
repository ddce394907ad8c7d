"""Prometheus as it answers, by a server that really listens: times, streams, warnings, and what goes wrong."""

import json
import logging
import socket
import threading
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from caso.deadline import Deadline
from caso.errors import DeniedError, SourceError
from caso.sources.api import MissingError
from caso.sources.manners import Manners
from caso.sources.prometheus import LONGEST_SELECTOR, Prometheus
from caso.sources.prometheus_failure import TooMuchError
from caso.sources.series import Series, SeriesReader
from caso.sources.session import new_session
from caso.sources.traffic import Traffic
from caso.window import Window
from tests.unit.sources.serving import saying
from tests.unit.sources.test_transport import HEAD, answer, serving

DAY = Window.parse("2024-02-10", "2024-02-11")
START, END = DAY.start.timestamp(), DAY.end.timestamp()


def body(*series, **more):
    result = [{"metric": labels, "values": values} for labels, values in series]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}, **more}).encode()


def status(code, content, kind="application/json"):
    text = content if isinstance(content, str) else json.dumps(content)
    return f"HTTP/1.1 {code} No\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


def error(code, kind, words):
    return status(code, {"status": "error", "errorType": kind, "error": words})


def prometheus(url, manners=None, **options):
    manners = manners or Manners(sleep=lambda seconds: None)
    return Prometheus(url, session=new_session(timeout=5, traffic=manners.traffic), manners=manners, **options)


def form_of(request):
    return {name: value for name, (value,) in parse_qs(request.partition("\n\n")[2]).items()}


def test_a_window_is_half_open_whatever_the_server_takes_for_a_range():
    values = [[START - 1, "1"], [START, "2"], [END - 0.001, "3"], [END, "4"]]
    with saying(answer(body(({"uuid": "a"}, values)))) as (url, requests):
        (series,) = prometheus(f"{url}/").samples('power{job="x"}', DAY)

    assert series == Series({"uuid": "a"}, ((START, 2.0), (END - 0.001, 3.0)))
    assert requests[0].startswith("POST /api/v1/query HTTP/1.1")
    assert form_of(requests[0]) == {"query": 'power{job="x"}[86400001ms]', "time": f"{END:.3f}"}


def test_a_password_of_netrc_does_not_take_the_place_of_the_token(tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2")
    monkeypatch.setenv("NETRC", str(netrc))
    with saying(answer(body())) as (url, requests):
        list(prometheus(url, headers={"Authorization": "Bearer t"}).samples("power", DAY))
        list(prometheus(url).samples("power", DAY))

    assert "Authorization: Bearer t\n" in requests[0]
    assert "Authorization" not in requests[1]


def test_a_margin_tells_what_was_before_and_after():
    values = [[START - 61, "1"], [START - 60, "2"], [END + 59, "3"], [END + 60, "4"]]
    with saying(answer(body(({}, values)))) as (url, requests):
        (series,) = prometheus(url).samples("power", DAY, margin_seconds=60)

    assert series.samples == ((START - 60, 2.0), (END + 59, 3.0))
    assert form_of(requests[0]) == {"query": "power[86520001ms]", "time": f"{END + 60:.3f}"}


def test_any_expression_is_asked_for_in_steps():
    with saying(answer(body())) as (url, requests):
        assert list(prometheus(url).samples("sum by (uuid) (power)", DAY, step_seconds=30)) == []

    assert form_of(requests[0])["query"] == "(sum by (uuid) (power))[86400001ms:30s]"


def test_nothing_is_asked_before_the_first_series_is_wanted():
    with saying(answer(body())) as (url, requests):
        prometheus(url).samples("power", DAY)

    assert requests == []


def test_values_that_are_no_numbers_are_counted_and_left_out():
    values = [[START + 3, "3"], [START, "NaN"], [START + 1, "+Inf"], [START + 2, "-Inf"]]
    with saying(answer(body(({}, values)))) as (url, _):
        (series,) = prometheus(url).samples("power", DAY)

    assert series == Series({}, ((START + 3, 3.0),), odd=3)


def test_the_first_series_is_had_while_the_server_still_writes_the_last():
    first_is_read = threading.Event()
    whole = body(({"uuid": "a"}, [[START, "1"]]), ({"uuid": "b"}, [[START, "2"]]))
    half = whole.index(b'{"metric": {"uuid": "b"}')

    def talk(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(whole) + whole[:half])
        if first_is_read.wait(20):
            connection.sendall(whole[half:])

    with serving(talk) as url:
        answered = prometheus(url).samples("power", DAY)
        first = next(answered)
        first_is_read.set()
        rest = list(answered)

    assert [series.labels["uuid"] for series in (first, *rest)] == ["a", "b"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"warnings": ["store 10.0.0.1 is unavailable"]}, ("store 10.0.0.1 is unavailable",)),
        ({"infos": ["PromQL info: metric might not be a counter"]}, ()),
        ({}, ()),
    ],
)
def test_warnings_are_known_after_the_last_series(caplog, more, told):
    tricky = {"warnings": '"warnings": ["no"]'}
    with saying(answer(body((tricky, [[START, "1"]]), **more))) as (url, _), caplog.at_level(logging.WARNING):
        answered = prometheus(url).samples("power", DAY)
        list(answered)

    assert answered.warnings == told
    assert all(words in caplog.text for words in told)


def test_a_partial_answer_is_warned_of():
    reader = SeriesReader(_File(b'{"status":"success","isPartial":true,"data":{"result":[]}}'))

    assert list(reader) == []
    assert reader.warnings == ("a partial answer",)


class _File:
    """Bytes, three at a time: what is cut anywhere must be read as if it were not."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, size: int = -1) -> bytes:
        part, self._content = self._content[: min(size, 3)], self._content[min(size, 3) :]
        return part


def test_an_answer_may_be_cut_anywhere_on_its_way():
    content = body(({"name": "Ωé"}, [[START, "1"], [END, "2"]]), ({}, []), warnings=["w"])

    reader = SeriesReader(_File(content))

    assert [len(series.samples) for series in reader] == [2, 0]
    assert reader.warnings == ("w",)


def test_requests_are_counted_as_prometheus_own_and_its_connection_is_used_again():
    manners = Manners()
    with saying(answer(body(({}, [[START, "1"]])))) as (url, requests):
        source = prometheus(url, manners, headers={"Authorization": "Bearer t"})
        for _ in range(3):
            list(source.samples("power", DAY))

    assert manners.traffic.calls()["prometheus"].requests == 3
    assert manners.traffic.calls()["prometheus"].failed == 0
    assert "Authorization: Bearer t\n" in requests[0]


TOO_MANY = "query processing would load too many samples into memory in query execution"


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        (
            error(400, "bad_data", "1:3: parse error"),
            SourceError,
            r"1:3: parse error \(bad_data, HTTP 400\); correct the metric's name",
        ),
        (error(422, "execution", TOO_MANY), TooMuchError, r"too many samples .*--query.max-samples"),
        (error(422, "execution", "division by zebra"), SourceError, "zebra .*see the log of the server"),
        (error(503, "timeout", "query timed out"), TooMuchError, r"query timed out .*--query.timeout"),
        (error(503, "canceled", "query was canceled"), SourceError, "--query.timeout"),
        (status(401, "", "text/plain"), DeniedError, "a user name and password, or a token"),
        (status(403, "<html>no</html>", "text/html"), DeniedError, r"no \(HTTP 403\)"),
        (status(404, "404 page not found", "text/plain"), MissingError, "it is what stands before /api/v1"),
        (status(413, "large", "text/plain"), SourceError, r"large \(HTTP 413\)"),
        (status(502, "<html>Bad Gateway", "text/html"), SourceError, "overloaded or down"),
        (answer(b"<html>Log in"), SourceError, "the answer is no JSON.*see what stands before the server"),
        (answer(b'{"status":"success"}'), SourceError, "the answer has no result"),
        (answer(b'{"data":{"result":[{"metric":{},"value":[1,"2"]}]}}'), SourceError, "one value, and no range"),
        (answer(b'{"data":{"result":[{"metric":{},"values":[[1,"x"]]}]}}'), SourceError, "no series"),
        (answer(b'{"data":{"result":["a"]}}'), SourceError, "no series"),
        (answer(b'{"data":{"result":[' + b"[" * 200_000), SourceError, "nested too deeply; see what stands before the server"),
        (answer(b'{"data":{"result":' + b'{"a":' * 40_000), SourceError, "nested too deeply"),
        (answer(body(({}, [[START, "1"]]))[:-30]), SourceError, "only a part of it .parse error: premature EOF"),
    ],
)
def test_what_goes_wrong_is_told_with_what_to_do(said, kind, words):
    with saying(said) as (url, _), pytest.raises(kind, match=f"prometheus: cannot get power in .*{words}"):
        list(prometheus(url).samples("power", DAY))


def test_a_query_that_the_server_gave_up_is_not_asked_again_and_one_that_a_proxy_lost_is():
    with saying(error(503, "timeout", "query timed out")) as (url, requests), pytest.raises(SourceError):
        list(prometheus(url).samples("power", DAY))
    assert len(requests) == 1

    with saying(status(502, "busy", "text/html"), answer(body(({}, [[START, "1"]])))) as (url, requests):
        assert len(list(prometheus(url).samples("power", DAY))) == 1
    assert len(requests) == 2


def test_an_answer_that_ends_too_soon_is_an_error_after_the_series_that_came():
    whole = body(({}, [[START, "1"]]), ({}, [[START, "2"]]))

    def talk(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(whole) + whole[:-20])
        connection.shutdown(socket.SHUT_RDWR)

    with serving(talk) as url:
        answered = prometheus(url).samples("power", DAY)
        assert next(answered).samples == ((START, 1.0),)
        with pytest.raises(SourceError, match="the next run asks again"):
            list(answered)


def test_a_stream_ends_with_the_runs_time():
    clock = [0.0]
    manners = Manners(Traffic(Deadline(10, clock=lambda: clock[0])))
    with saying(answer(body(({}, [[START, "1"]]), ({}, [[START, "2"]]), pad="x" * 500_000))) as (url, _):
        answered = prometheus(url, manners).samples("power", DAY)
        next(answered)
        clock[0] = 11.0
        with pytest.raises(SourceError, match="as long as it may"):
            list(answered)


def test_a_server_that_is_not_there_is_told_and_after_five_questions_left_alone():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    source = prometheus(f"http://me:hunter2@127.0.0.1:{port}")

    for number in range(5):
        with pytest.raises(SourceError, match="check prometheus_endpoint") as caught:
            list(source.samples(f"power{number}", DAY))
        assert "hunter2" not in str(caught.value)

    with pytest.raises(SourceError, match="is not asked any more"):
        list(source.samples("power", DAY))


def test_a_redirection_to_another_host_is_not_followed():
    redirect = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere.test/\r\nContent-Length: 0\r\n\r\n"
    with (
        saying(redirect) as (url, requests),
        pytest.raises(SourceError, match=r"it is redirected to http://elsewhere\.test") as caught,
    ):
        list(prometheus(url, headers={"Authorization": "Bearer secret"}).samples("power", DAY))

    assert len(requests) == 1
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("size", [1, 7, 64 * 1024])
def test_brackets_in_names_are_no_nesting_however_the_answer_is_cut(size):
    labels = {f"name-{n}": name for n, name in enumerate(["[" * 255, '"[' * 100, "{\\" * 100, '\\"{' * 100])}
    told = body(*[(labels, [[START, "1"]])] * 3)

    found = list(SeriesReader(Parts(told, size)))

    assert [one.labels for one in found] == [labels] * 3


@pytest.mark.parametrize("size", [1, 7, 64 * 1024])
def test_an_answer_that_is_nested_without_end_takes_no_memory(size):
    told = body(({"name": '\\"[{'}, [[START, "1"]]))[:-3] + b", " + b"[" * 5000

    with pytest.raises(ValueError, match="nested too deeply"):
        list(SeriesReader(Parts(told, size)))


class Parts:
    """An answer that comes in parts of a size."""

    def __init__(self, whole, size):
        self._parts = iter([whole[at : at + size] for at in range(0, len(whole), size)])

    def read(self, size=-1):
        return next(self._parts, b"") if size else b""


def test_tls_that_is_none_is_told():
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")

    with serving(talk) as url, pytest.raises(SourceError, match="is prometheus_endpoint https in place of http"):
        list(prometheus(url.replace("http:", "https:")).samples("power", DAY))


def test_a_long_selector_is_cut_in_messages():
    with saying(error(400, "bad_data", "no")) as (url, _), pytest.raises(SourceError) as caught:
        list(prometheus(url).samples("x" * 10_000, DAY))

    assert len(str(caught.value)) < LONGEST_SELECTOR + 300


@pytest.mark.parametrize(
    ("said", "days"),
    [
        ("15d", 15),
        ("2w", 14),
        ("30d or 512MiB", 30),
        ("512MiB", None),
        ("0s", None),
        ("", None),
        ("100y", 36500),
        ("9" * 400 + "y", None),
    ],
)
def test_it_is_known_how_long_samples_are_kept_where_the_server_says_so(said, days):
    page = json.dumps({"status": "success", "data": {"storageRetention": said}}).encode()
    with saying(answer(page)) as (url, requests):
        kept = prometheus(url).retention()

    assert kept == (None if days is None else timedelta(days=days))
    assert requests[0].startswith("GET /api/v1/status/runtimeinfo HTTP/1.1")


@pytest.mark.parametrize(
    "reply", [status(404, "not found"), status(401, "no"), answer(b"<html>"), answer(b"[]"), answer(b"[" * 100_000)]
)
def test_a_server_that_does_not_say_how_long_it_keeps_samples_is_no_fault(reply):
    with saying(reply) as (url, _):
        assert prometheus(url).retention() is None
