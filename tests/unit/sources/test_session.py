"""One login for each scope, and what its catalog and roles open."""

import pytest
import requests_mock

from caso.sources.api import LoginError, Scope
from caso.sources.session import Access
from tests.unit.sources.web import AUTH, access, token, web

__all__ = ["web"]


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
