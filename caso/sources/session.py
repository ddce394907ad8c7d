"""Who caso is to the cloud: one session, and a token for each scope that is needed."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from keystoneauth1 import exceptions as ksa
from keystoneauth1 import loading
from keystoneauth1.access.access import AccessInfo
from keystoneauth1.identity.base import BaseIdentityPlugin
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session

from caso.errors import ConfigError
from caso.printing import without_credentials
from caso.sources.api import LoginError, Scope, ScopeOrProject
from caso.sources.failure import reason
from caso.sources.http import HttpApi, logged_in
from caso.sources.manners import Manners
from caso.sources.traffic import Traffic
from caso.sources.transport import Transport

if TYPE_CHECKING:
    from caso.sources.prometheus import Prometheus

TIMEOUT = 60.0
CONNECT_TIMEOUT = 10.0

SCOPE_OPTIONS = frozenset(
    {
        "system_scope",
        "domain_id",
        "domain_name",
        "project_id",
        "project_name",
        "project_domain_id",
        "project_domain_name",
        "trust_id",
    }
)
# Keystone refuses any scope that these ask for: what was given to the credential is what it has.
FIXED_SCOPE = frozenset({"v3applicationcredential", "v3oauth2clientcredential", "v3oauth2mtlsclientcredential"})


def new_session(*, timeout: float | None = None, traffic: Traffic | None = None, **options: Any) -> Session:
    """A session for all APIs: one connection pool, a timeout on every call (seconds of silence, default 60).

    ``options`` are those of keystoneauth's Session: verify, cert, tls_min_version, ... ConfigError where a file that they
    name cannot be used.
    """
    _require_files(options.get("verify"), options.get("cert"))
    read = timeout or TIMEOUT
    tls = {name: options.pop(name) for name in ("tls_ciphers", "tls_min_version") if name in options}
    transport = Transport(traffic or Traffic(), **tls)
    connections = requests.Session()
    # Without one requests would send what ~/.netrc has for the host, in place of a token.
    connections.auth = _as_it_is
    for scheme in ("https://", "http://"):
        connections.mount(scheme, transport)
    session = Session(user_agent=f"caso/{metadata.version('caso')}", session=connections, **options)
    # requests takes a pair as well: a host that drops packets is given up after seconds, a slow page is waited for.
    session.timeout = (min(CONNECT_TIMEOUT, read), read)  # type: ignore[assignment]
    return session


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _require_files(verify: bool | str | None, cert: str | tuple[str, str] | None) -> None:
    """Find out now what would else fail at the first request, in words about credentials."""
    if not (isinstance(verify, str) or cert):
        return
    # Not the default one, which reads the certificates of every authority that the system knows.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if isinstance(verify, str):
        place = {"capath": verify} if Path(verify).is_dir() else {"cafile": verify}
        with _reading("cafile", verify, "name a PEM file with the certificate of the authority that signed the services'"):
            context.load_verify_locations(**place)
    if cert:
        certfile, keyfile = (cert, None) if isinstance(cert, str) else cert
        with _reading("certfile", certfile, "name PEM files with the user's certificate and its key, which has no passphrase"):
            context.load_cert_chain(certfile, keyfile, password="")


@contextmanager
def _reading(option: str, path: str, advice: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as exc:
        cause = exc.strerror if isinstance(exc, OSError) and exc.strerror else exc
        raise ConfigError(f"{option}: cannot use {path}: {cause}; {advice}, and let this user read it") from exc


class Access:
    """Credentials, and what they open. Safe to use from several threads.

    ``auth_type`` names a keystoneauth plug-in, ``options`` are that plug-in's. For every scope the plug-in is
    loaded again with other scope options, so each project's token is asked for once and serves all services.
    ``cloud`` is its name in clouds.yaml, empty where the credentials are not from there.
    ``files`` are those that they are from, but for caso's own.
    ``manners`` are those of the run; a ``session`` that is given has its traffic.
    """

    def __init__(
        self,
        auth_type: str,
        options: Mapping[str, Any],
        *,
        session: Session | None = None,
        interface: str = "public",
        region: str | None = None,
        cloud: str = "",
        files: Sequence[Path] = (),
        manners: Manners | None = None,
    ) -> None:
        try:
            self._loader: loading.BaseLoader[BaseAuthPlugin] = loading.get_plugin_loader(_versioned(auth_type, options))
        except ksa.NoMatchingPlugin as exc:
            known = ", ".join(sorted(loading.get_available_plugin_names()))
            raise ConfigError(f"auth_type: no plug-in is called {auth_type!r}; there are {known}") from exc
        self.region = region
        self.cloud = cloud
        self.files = tuple(files)
        self._auth_type = auth_type
        self._options = dict(options)
        self._manners = manners or Manners()
        self._session = session or new_session(traffic=self._manners.traffic)
        self._interface = interface
        self._lock = threading.RLock()
        self._plugins: dict[ScopeOrProject, BaseAuthPlugin] = {}
        self._plugins[Scope.AS_CONFIGURED] = self._load({})

    @property
    def auth_url(self) -> str:
        """Where tokens come from; empty where the plug-in asks nobody."""
        return str(self._options.get("auth_url") or "")

    @property
    def login(self) -> tuple[str, dict[str, Any]]:
        """The plug-in and its options, for who logs in with another library; for the system where they name no scope."""
        scoped = self._fixed or any(self._options.get(name) for name in SCOPE_OPTIONS)
        return self._auth_type, {**({} if scoped else {"system_scope": "all"}), **self._options}

    @property
    def tls(self) -> tuple[bool | str, str | tuple[str, str] | None]:
        """Whether certificates of services are looked at, or the file of who signed them; and the user's own, if any."""
        verify = self._session.verify
        return True if verify is None else verify, self._session.cert

    @property
    def verified(self) -> bool:
        """Whether the certificates of services are looked at."""
        return self._session.verify is not False

    @property
    def interface(self) -> str:
        """Which endpoints of the catalog are used."""
        return self._interface

    def auth(self, scope: ScopeOrProject = Scope.AS_CONFIGURED) -> BaseAuthPlugin:
        """The plug-in that gives tokens for ``scope``; LoginError where these credentials cannot change their scope."""
        with self._lock:
            if scope not in self._plugins:
                self._plugins[scope] = self._rescoped(scope)
            return self._plugins[scope]

    def api(self, service_type: str, scope: ScopeOrProject, region: str | None = None) -> HttpApi:
        """The API of a service in a region; identity is asked where tokens come from, which works in any scope."""
        return HttpApi(
            self._session,
            self.auth(scope),
            service_type,
            scope=_name(scope),
            region=region,
            interface=self._interface,
            endpoint=self._keystone() if service_type == "identity" else None,
            manners=self._manners,
        )

    def prometheus(
        self,
        url: str,
        *,
        verify: bool | str = True,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Prometheus:
        """A server that speaks Prometheus' API: none of the catalog, so with a session and headers of its own.

        ``verify`` as for :func:`new_session`: whether its certificate is looked at, or the file of who signed it.
        """
        from caso.sources.prometheus import Prometheus  # a part of caso that few runs have a use for

        session = new_session(timeout=timeout, traffic=self._manners.traffic, verify=verify)
        return Prometheus(url, session=session, manners=self._manners, headers=headers)

    def regions(self, service_type: str, scope: ScopeOrProject = Scope.AS_CONFIGURED) -> tuple[str, ...]:
        """The regions in which the catalog of this scope's token has an endpoint of the service."""
        token = self._token(scope)
        if token is None or not token.has_service_catalog():
            return ()
        found = token.service_catalog.get_endpoints_data(service_type=service_type, interface=self._interface)
        names = (endpoint.region_name for endpoints in found.values() for endpoint in endpoints)
        return tuple(dict.fromkeys(name for name in names if name))

    def configured_scope(self) -> ScopeOrProject:
        """What AS_CONFIGURED is; see :class:`caso.sources.api.Opener`."""
        if self._options.get("system_scope"):
            return Scope.SYSTEM
        if self._options.get("project_id"):
            return str(self._options["project_id"])
        if not self._fixed and not self._options.get("project_name"):
            return Scope.AS_CONFIGURED
        token = self._token(Scope.AS_CONFIGURED)
        return (token.project_id if token else None) or Scope.AS_CONFIGURED

    def roles(self, scope: ScopeOrProject) -> frozenset[str]:
        """The roles of the token; see :class:`caso.sources.api.Opener`."""
        token = self._token(scope)
        return frozenset(name.lower() for name in (token.role_names if token else None) or ())

    @property
    def _fixed(self) -> bool:
        # A trust, too, is for one project only.
        can_rescope = any(option.dest == "project_id" for option in self._loader.get_options())
        return self._auth_type in FIXED_SCOPE or bool(self._options.get("trust_id")) or not can_rescope

    def _rescoped(self, scope: ScopeOrProject) -> BaseAuthPlugin:
        if scope == self.configured_scope():
            return self._plugins[Scope.AS_CONFIGURED]
        if self._fixed:
            raise LoginError(
                f"keystone: no token for {_name(scope)}: credentials of the type {self._auth_type} have one fixed scope;"
                " use auth_type password, or one such credential and one run for each project"
            )
        return self._load({"system_scope": "all"} if scope is Scope.SYSTEM else {"project_id": scope})

    def _load(self, scope_options: Mapping[str, Any]) -> BaseAuthPlugin:
        known = {option.dest for option in self._loader.get_options()}
        options = {name: value for name, value in self._options.items() if value is not None or name in known}
        url = options.get("auth_url")
        if url and not str(url).startswith(("http://", "https://")):
            raise ConfigError(
                f"auth_url: {without_credentials(str(url))!r} does not begin with https:// or http://; write it like https://HOST:5000/v3"
            )
        if scope_options:
            options = {name: value for name, value in options.items() if name not in SCOPE_OPTIONS} | dict(scope_options)
        try:
            return self._loader.load_from_options(**options)
        except (ksa.ClientException, TypeError) as exc:
            raise ConfigError(f"credentials ({self._auth_type}): {reason(exc)}; check [keystone_auth] or clouds.yaml") from exc

    def _keystone(self) -> str | None:
        url = str(self._options.get("auth_url") or "").rstrip("/")
        if not url:
            return None
        return url if url.endswith("/v3") else f"{url}/v3"

    def _token(self, scope: ScopeOrProject) -> AccessInfo | None:
        plugin = self.auth(scope)
        if not isinstance(plugin, BaseIdentityPlugin):
            return None
        return logged_in(lambda: plugin.get_access(self._session), _name(scope), self._manners)


def _versioned(auth_type: str, options: Mapping[str, Any]) -> str:
    """``v3password`` for ``password`` where the options leave nothing to ask Keystone first: one request less in each run."""
    given = {name for name, value in options.items() if value is not None}
    known = {option.dest for option in loading.get_plugin_loader("v3password").get_options()}
    at_v3 = str(options.get("auth_url") or "").rstrip("/").endswith("/v3")
    # A name is one of a domain; without it the plug-in for all versions finds its own way.
    domains = {"username": "user_domain", "project_name": "project_domain"}
    named = all(given & {f"{domains[name]}_id", f"{domains[name]}_name"} for name in given & domains.keys())
    complete = at_v3 and named and "password" in given and given <= known
    return "v3password" if auth_type == "password" and complete else auth_type


def _name(scope: ScopeOrProject) -> str:
    return f"project {scope}" if isinstance(scope, str) else scope.value
