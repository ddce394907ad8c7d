"""One GET: a token, an endpoint, retries, errors that say what to do; keystoneauth is real, HTTP is not."""

import re
import time

import pytest
import requests
import requests_mock

from caso.deadline import Deadline
from caso.errors import DeniedError, SourceError
from caso.sources.api import LoginError, LostMarkerError, MissingError, Scope
from caso.sources.failure import LONGEST_REASON, reason
from caso.sources.manners import LIMIT, Manners
from caso.sources.session import Access
from caso.sources.traffic import Traffic

AUTH = "http://user:secret@keystone.test/v3"
NOVA = "http://nova.test/v2.1"


def token(project_id=None, url=NOVA, service_type="compute", roles=("Reader",)):
    endpoint = {"interface": "public", "region": "one", "region_id": "one", "url": url, "id": "e"}
    body = {
        "expires_at": "2999-01-01T00:00:00Z",
        "issued_at": "2024-01-01T00:00:00Z",
        "user": {"id": "u", "name": "n", "domain": {"id": "d", "name": "d"}},
        "roles": [{"id": name, "name": name} for name in roles],
        "catalog": [{"type": service_type, "name": "nova", "id": "s", "endpoints": [endpoint]}],
    }
    if project_id:
        body["project"] = {"id": project_id, "name": "p", "domain": {"id": "d", "name": "d"}}
    return {"token": body}


@pytest.fixture
def web():
    with requests_mock.Mocker() as mocker:
        mocker.post("http://keystone.test/v3/auth/tokens", json=login, headers={"X-Subject-Token": "t"})
        mocker.post(f"{AUTH}/auth/tokens", json=login, headers={"X-Subject-Token": "t"})
        yield mocker


def login(request, context):
    scope = request.json()["auth"].get("scope")
    return token(scope["project"].get("id", "p") if isinstance(scope, dict) and "project" in scope else None)


def access(manners=None):
    options = {"auth_url": AUTH, "username": "me", "password": "hunter2", "user_domain_id": "d"}
    return Access("v3password", options, manners=manners or Manners(sleep=lambda seconds: None))


def nova(scope="p"):
    return access().api("compute", scope, "one")


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


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_passing_failure_is_tried_again_after_a_while_that_grows(web, status):
    pauses: list[float] = []
    web.get(f"{NOVA}/servers", [{"status_code": status}] * 3 + [{"json": {"servers": []}}])

    assert access(Manners(sleep=pauses.append)).api("compute", "p").get("/servers", to="list servers") == {"servers": []}

    assert [0.25 <= pauses[0] <= 0.75, 0.5 <= pauses[1] <= 1.5, 1 <= pauses[2] <= 3] == [True] * 3
    assert len({round(pause, 9) for pause in pauses}) == 3


def test_a_failure_that_stays_is_told_after_four_tries(web):
    web.get(f"{NOVA}/servers", status_code=503)

    with pytest.raises(SourceError, match=r"nova: cannot list servers: .*HTTP 503.*next run asks again"):
        nova().get("/servers", to="list servers")

    assert len(web.request_history) == 1 + 4


def test_a_service_that_asks_for_a_pause_gets_it(web):
    pauses: list[float] = []
    web.get(f"{NOVA}/servers", [{"status_code": 429, "headers": {"Retry-After": "7"}}, {"json": {"servers": []}}])

    access(Manners(sleep=pauses.append)).api("compute", "p").get("/servers", to="list servers")

    assert pauses == [7.0]


@pytest.mark.parametrize("after", ["3600", "Wed, 01 Jan 2999 00:00:00 GMT"], ids=["seconds", "date"])
def test_a_service_that_asks_for_a_long_pause_is_left_to_the_next_run(web, after):
    web.get(f"{NOVA}/servers", status_code=429, headers={"Retry-After": after})

    with pytest.raises(SourceError, match=r"HTTP 429.*the next run asks again"):
        nova().get("/servers", to="list servers")

    assert len(web.request_history) == 1 + 1


@pytest.mark.parametrize("after", ["soon", "-1", "Wed, 01 Jan 1999 00:00:00 GMT"])
def test_a_pause_that_cannot_be_meant_is_none(web, after):
    web.get(f"{NOVA}/servers", [{"status_code": 503, "headers": {"Retry-After": after}}, {"json": {"servers": []}}])

    assert nova().get("/servers", to="list servers") == {"servers": []}


def test_a_service_that_never_answers_is_left_alone_after_some_questions(web):
    web.get(f"{NOVA}/servers", exc=requests.exceptions.ReadTimeout)
    opened = access()

    for scope in map(str, range(LIMIT)):
        with pytest.raises(SourceError, match="timed out"):
            opened.api("compute", scope, "one").get("/servers", to=f"list servers of {scope}")
    with pytest.raises(SourceError, match="has left 5 such questions unanswered, and is not asked any more"):
        opened.api("compute", "another", "one").get("/servers", to="list servers")

    assert sum(request.method == "GET" for request in web.request_history) == LIMIT


def test_a_kind_of_question_that_is_never_answered_does_not_speak_for_the_others(web):
    web.get(re.compile("/os-instance-actions"), status_code=503)
    web.get(f"{NOVA}/servers/detail", json={"servers": []})
    one = nova()

    for number in range(LIMIT + 1):
        with pytest.raises(SourceError):
            one.get(f"/servers/{number:032x}/os-instance-actions", to=f"show what was done to server {number}")

    assert one.get("/servers/detail", to="list servers") == {"servers": []}
    asked = {request.path for request in web.request_history if request.path.endswith("/os-instance-actions")}
    assert len(asked) == LIMIT


def test_an_answer_in_between_makes_good_what_failed_before(web):
    slow = {"exc": requests.exceptions.ReadTimeout}
    web.get(f"{NOVA}/servers", [slow] * (LIMIT - 1) + [{"status_code": 403}] + [slow] * (LIMIT - 1) + [{"json": {}}])
    one = nova()

    for number in range(2 * LIMIT - 1):
        with pytest.raises(SourceError):
            one.get("/servers", to=f"list servers of {number}")

    assert one.get("/servers", to="list servers") == {}


def test_one_question_that_is_never_answered_does_not_speak_for_the_service(web):
    web.get(f"{NOVA}/servers", [{"exc": requests.exceptions.ReadTimeout}] * 2 * LIMIT + [{"json": {}}])
    one = nova()

    for _ in range(2 * LIMIT):
        with pytest.raises(SourceError, match="timed out"):
            one.get("/servers", to="list servers of project X")

    assert one.get("/servers", to="list servers of project Y") == {}


@pytest.mark.parametrize("garbled", ["<html>busy</html>", '{"token": ', "[]", '{"other": 1}'])
def test_a_token_that_cannot_be_read_is_asked_for_again(web, garbled):
    well = {"json": login, "headers": {"X-Subject-Token": "t"}}
    web.post(f"{AUTH}/auth/tokens", [{"text": garbled, "status_code": 201}, well])
    web.get(f"{NOVA}/servers", json={"servers": []})

    assert nova().get("/servers", to="list servers") == {"servers": []}


def test_a_token_that_is_never_readable_is_said_to_be_a_proxys(web):
    web.post(f"{AUTH}/auth/tokens", text="<html>busy</html>", status_code=201)

    with pytest.raises(SourceError, match=r"cannot get a token for .*see what stands before the service"):
        nova().get("/servers", to="list servers")


def test_after_the_deadline_nothing_is_asked(web):
    web.get(f"{NOVA}/servers", json={"servers": []})

    with pytest.raises(SourceError, match=r"this run has asked for 0 s, as long as it may \(deadline\)"):
        access(Manners(Traffic(Deadline(0)))).api("compute", "p").get("/servers", to="list servers")

    assert web.request_history == []


def test_a_token_request_is_tried_again_too(web):
    web.post(f"{AUTH}/auth/tokens", [{"status_code": 503}, {"json": token("p"), "headers": {"X-Subject-Token": "t"}}])
    web.get(f"{NOVA}/servers", json={"servers": []})

    assert nova().get("/servers", to="list servers") == {"servers": []}


def test_a_timeout_is_not_tried_again(web):
    web.get(f"{NOVA}/servers", exc=requests.exceptions.ReadTimeout)

    with pytest.raises(SourceError, match="raise timeout in"):
        nova().get("/servers", to="list servers")

    assert len(web.request_history) == 2


def test_a_refused_connection_is_tried_again_and_told(web):
    web.get(f"{NOVA}/servers", exc=requests.exceptions.ConnectionError("refused"))

    with pytest.raises(SourceError, match="check that the service runs"):
        nova().get("/servers", to="list servers")

    assert len(web.request_history) == 1 + 4


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


def test_each_scope_logs_in_once_for_all_services_and_regions(web):
    web.get(requests_mock.ANY, json={})
    opened = access()

    for scope in ("p", "q", Scope.SYSTEM, "p", Scope.AS_CONFIGURED):
        opened.api("compute", scope, "one").get("/servers", to="list")
        opened.api("identity", scope).get("/projects", to="list")

    assert sum(request.method == "POST" for request in web.request_history) == 4


def test_the_configured_project_shares_the_configured_token(web):
    web.get(requests_mock.ANY, json={})
    options = {"auth_url": AUTH, "username": "me", "password": "x", "user_domain_id": "d", "project_id": "p"}
    opened = Access("v3password", options)

    for scope in (Scope.AS_CONFIGURED, "p"):
        opened.api("compute", scope, "one").get("/servers", to="list")

    assert opened.configured_scope() == "p"
    assert sum(request.method == "POST" for request in web.request_history) == 1


def test_an_application_credential_works_for_its_project_and_refuses_others_without_a_request(web):
    web.post(f"{AUTH}/auth/tokens", json=token("p"), headers={"X-Subject-Token": "t"})
    web.get(requests_mock.ANY, json={})
    options = {"auth_url": AUTH, "application_credential_id": "i", "application_credential_secret": "s"}
    opened = Access("v3applicationcredential", options)

    opened.api("compute", "p", "one").get("/servers", to="list")
    before = len(web.request_history)
    with pytest.raises(LoginError, match="one fixed scope"):
        opened.api("compute", "q", "one")
    with pytest.raises(LoginError, match="the system"):
        opened.auth(Scope.SYSTEM)

    assert len(web.request_history) == before


def test_regions_are_those_of_the_catalog(web):
    assert access().regions("compute", "p") == ("one",)
    assert access().regions("network", "p") == ()


@pytest.mark.parametrize("url", ["http://cinder.test/v3", "http://cinder.test/v3/p"])
@pytest.mark.parametrize("service_type", ["block-storage", "volumev3", "volume"])
def test_cinder_is_found_under_any_of_its_types_and_told_its_version(web, service_type, url):
    web.post(f"{AUTH}/auth/tokens", json=token("p", url, service_type), headers={"X-Subject-Token": "t"})
    web.get(f"{url}/volumes/detail", json={"volumes": []})
    web.get("http://cinder.test/v3/", json={"versions": [{"version": "3.71"}]})
    opened = access()
    cinder = opened.api("block-storage", "p", "one")

    assert cinder.get("/volumes/detail", to="list volumes", microversion="3.60") == {"volumes": []}
    assert web.last_request.headers["OpenStack-API-Version"] == "volume 3.60"
    assert cinder.versions() == {"versions": [{"version": "3.71"}]}
    assert (cinder.name, opened.regions("block-storage", "p")) == ("cinder", ("one",))


@pytest.mark.parametrize("url", ["http://neutron.test", "http://neutron.test/v2.0", "http://neutron.test/v2.0/"])
def test_a_catalog_may_name_neutrons_version_or_not(web, url):
    web.post(f"{AUTH}/auth/tokens", json=token("p", url, "network"), headers={"X-Subject-Token": "t"})
    web.get("http://neutron.test/v2.0/ports", json={"ports": []})

    neutron = access().api("network", "p", "one")

    assert neutron.get("/v2.0/ports?fields=id&fields=name", {"limit": "2"}, to="list ports") == {"ports": []}
    assert web.last_request.qs == {"fields": ["id", "name"], "limit": ["2"]}
    assert neutron.name == "neutron"


def test_the_roles_are_those_of_the_scopes_token(web):
    web.post(f"{AUTH}/auth/tokens", json=token("p", roles=["Admin", "member"]), headers={"X-Subject-Token": "t"})

    assert access().roles("p") == {"admin", "member"}


@pytest.mark.parametrize(
    ("options", "discovered"),
    [
        ({"user_domain_id": "d"}, False),
        ({"user_domain_id": "d", "auth_url": "http://keystone.test"}, True),
        ({"default_domain_id": "d"}, True),
        ({"user_domain_id": "d", "project_id": None, "project_name": "p", "project_domain_id": "d"}, False),
        ({"user_domain_id": "d", "default_domain_id": "d", "project_id": None, "project_name": "p"}, True),
    ],
)
def test_keystone_is_asked_for_its_versions_only_where_the_options_leave_it_open(web, options, discovered):
    version = {"id": "v3.14", "status": "stable", "links": [{"rel": "self", "href": "http://keystone.test/v3/"}]}
    for url in ("http://keystone.test", "http://keystone.test/v3"):
        web.get(url, json={"version": version} if url.endswith("v3") else {"versions": {"values": [version]}})
    given = {"auth_url": "http://keystone.test/v3", "username": "me", "password": "x", "project_id": "p"} | options

    Access("password", given).roles("p")

    assert ("GET" in [request.method for request in web.request_history]) == discovered
