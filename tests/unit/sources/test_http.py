"""One GET: a token, an endpoint, errors that say what to do; keystoneauth is real, HTTP is not."""

import time

import pytest

from caso.errors import DeniedError, SourceError
from caso.sources.api import LoginError, LostMarkerError, MissingError
from caso.sources.failure import LONGEST_REASON, reason
from tests.unit.sources.web import AUTH, NOVA, access, nova, token, web

__all__ = ["web"]


def test_the_endpoint_of_the_catalog_is_asked_without_any_discovery(web):
    web.get(f"{NOVA}/servers", json={"servers": []})

    assert nova().get("/servers", {"a": "b"}, to="list servers", microversion="2.69") == {"servers": []}

    assert [request.method for request in web.request_history] == ["POST", "GET"]
    sent = web.last_request
    assert sent.qs == {"a": ["b"]}
    assert sent.headers["OpenStack-API-Version"] == "compute 2.69"
    assert sent.headers["X-Auth-Token"] == "t"
    assert sent.headers["User-Agent"].startswith("caso/")
    assert sent.timeout == (10.0, 60.0)


def test_the_version_document_is_asked_for_without_the_project_behind_it(web):
    web.post(f"{AUTH}/auth/tokens", json=token("p", f"{NOVA}/p"), headers={"X-Subject-Token": "t"})
    web.get(f"{NOVA}/", json={"version": {"version": "2.96"}})

    assert nova().versions() == {"version": {"version": "2.96"}}


def test_novas_own_words_are_in_the_message_of_a_refusal(web):
    web.get(f"{NOVA}/servers", status_code=403, json={"forbidden": {"message": "Policy says no", "code": 403}})

    with pytest.raises(DeniedError, match=r"Policy says no \(HTTP 403\)") as caught:
        nova().get("/servers", to="list servers")

    assert not isinstance(caught.value, LoginError)


def test_a_lost_marker_and_a_missing_object_have_errors_of_their_own(web):
    web.get(f"{NOVA}/servers", status_code=400, json={"badRequest": {"message": "marker [x] not found"}})
    web.get(f"{NOVA}/servers/x", status_code=404, json={"itemNotFound": {"message": "gone"}})

    with pytest.raises(LostMarkerError):
        nova().get("/servers", to="list servers")
    with pytest.raises(MissingError):
        nova().get("/servers/x", to="show server x")


def test_no_role_on_a_project_is_a_login_error_that_names_the_project_and_no_secret(web):
    web.post(f"{AUTH}/auth/tokens", status_code=401, json={"error": {"message": "requires authentication", "code": 401}})

    with pytest.raises(LoginError, match="no token for project p: requires authentication") as caught:
        nova().get("/servers", to="list servers")

    assert "hunter2" not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_region_without_the_service_is_told_by_name(web):
    with pytest.raises(MissingError, match="in elsewhere region not found; check region_name"):
        access().api("compute", "p", "elsewhere").get("/servers", to="list servers")


@pytest.mark.parametrize("answer", [{"text": "<html>"}, {"json": ["a"]}], ids=["html", "list"])
def test_an_answer_that_is_no_json_object_is_a_source_error(web, answer):
    web.get(f"{NOVA}/servers", **answer)

    with pytest.raises(SourceError, match="the answer is no JSON"):
        nova().get("/servers", to="list servers")


@pytest.mark.parametrize(
    ("answer", "headers"),
    [
        (b'{"name": "\\ud800"}', {}),
        ('{"name": "\u00e9"}'.encode("utf-16"), {}),
        ('{"name": "\u00e9"}'.encode("latin-1"), {"Content-Type": "application/json; charset=latin-1"}),
        (b'{"name": NaN}', {}),
    ],
)
def test_an_answer_is_read_as_python_reads_it(web, answer, headers):
    web.get(f"{NOVA}/servers", content=answer, headers=headers)

    read = nova().get("/servers", to="list servers")["name"]

    assert read in ("\ud800", "\u00e9") or read != read


def test_an_answer_that_was_cut_short_is_asked_for_again(web):
    web.get(f"{NOVA}/servers", [{"text": '{"servers": ['}, {"json": {"servers": []}}])

    assert nova().get("/servers", to="list servers") == {"servers": []}


DEEP = "[" * 100_000
AS_JSON = {"headers": {"Content-Type": "application/json", "X-Subject-Token": "t"}}


@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_that_is_nested_without_end_is_asked_for_again_and_blamed_on_nobodys_plug_in(web, status):
    web.get(f"{NOVA}/servers", text=DEEP, status_code=status, **AS_JSON)

    with pytest.raises(SourceError, match=r"nova: cannot list servers: .* nested deeper .*see what stands before the service"):
        nova().get("/servers", to="list servers")

    assert sum(request.method == "GET" for request in web.request_history) == 4


def test_an_error_that_is_nested_without_end_and_says_to_be_a_page_is_a_source_error(web):
    web.get(f"{NOVA}/servers", text=DEEP, status_code=400, headers={"Content-Type": "text/html"})

    with pytest.raises(SourceError, match=r"nova: cannot list servers: .*HTTP 400"):
        nova().get("/servers", to="list servers")


def test_a_long_page_of_html_neither_hides_the_status_nor_takes_long_to_read(web):
    web.get(f"{NOVA}/servers", text="<" * 300_000 + "busy", status_code=400, headers={"Content-Type": "text/html"})
    began = time.monotonic()

    with pytest.raises(SourceError, match=r"nova: cannot list servers: <+ \(HTTP 400\)"):
        nova().get("/servers", to="list servers")

    assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [201, 401])
def test_a_token_that_is_nested_without_end_is_a_source_error(web, status):
    web.post(f"{AUTH}/auth/tokens", text=DEEP, status_code=status, **AS_JSON)

    with pytest.raises(SourceError, match=r"cannot get a token for project p: .* nested deeper"):
        nova().get("/servers", to="list servers")


@pytest.mark.parametrize("words", ["x" * (LONGEST_REASON - 20), ""], ids=["cut within the password", "whole"])
def test_no_message_has_the_password_of_an_url_whatever_letters_are_in_it(words):
    said = reason(ValueError(f"{words} http://caso:hunter2@hunter2hunter2@keystone.test/v3"))

    assert "hunter" not in said
