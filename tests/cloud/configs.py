"""Configuration files of the five services, as small as they work.

Services speak with each other directly (``real``); what they tell to clients, the catalog and
links, leads through the proxy. No broker: ``fake:/`` is enough for API processes.
"""

from collections.abc import Mapping
from pathlib import Path

PASSWORD = "caso-test-password"  # of every user in the test cloud
REGION = "RegionOne"

DATABASES = ("keystone", "nova_api", "nova_cell0", "nova_cell1", "nova_cell2",
             "cinder", "glance", "neutron")  # fmt: skip

_COMMON = """\
[DEFAULT]
debug = false
use_stderr = true
transport_url = fake:/
state_path = {work}/state/{service}
lock_path = {work}/state/{service}
host = cloud
default_log_levels = amqp=WARN,stevedore=WARN,neutron.api.extensions=WARN
{extra}

[oslo_concurrency]
lock_path = {work}/state/{service}

[oslo_messaging_notifications]
driver = noop

[database]
connection = sqlite:///{work}/db/{database}.sqlite
"""

_TOKENS = """
[keystone_authtoken]
www_authenticate_uri = {keystone}/v3
auth_url = {keystone}/v3
interface = admin
service_token_roles_required = true
{account}
"""

_ACCOUNT = """\
auth_type = password
username = {service}
password = {password}
user_domain_id = default
project_name = service
project_domain_id = default
region_name = {region}"""

# Where each service is told how many rows a page has at most.
_LIMITS = {
    "keystone": ("DEFAULT", "list_limit"),
    "nova": ("api", "max_limit"),
    "cinder": ("DEFAULT", "osapi_max_limit"),
    "glance-api": ("DEFAULT", "api_limit_max"),
    "neutron": ("DEFAULT", "pagination_max_limit"),
}


def write_configs(work: Path, venv: Path, real: Mapping[str, str], limits: Mapping[str, int] | None = None) -> None:
    """Write ``<work>/etc/*``; ``real`` has the direct URL of each service, without path.

    ``limits`` has the rows per page of those services which shall not have their default.
    """
    etc = work / "etc"
    etc.mkdir(exist_ok=True)
    for service in ("keystone", "nova", "cinder", "glance", "neutron"):
        (work / "state" / service).mkdir(parents=True, exist_ok=True)
    text = {
        "keystone": _keystone(work),
        "nova": _nova(work, venv, real),
        "cinder": _cinder(work, venv, real),
        "glance-api": _glance(work, venv, real),
        "neutron": _neutron(work, venv, real),
    }
    for name, content in text.items():
        limit = (limits or {}).get(name.removesuffix("-api"))
        group, option = _LIMITS[name]
        more = f"\n[{group}]\n{option} = {limit}\n" if limit else ""
        (etc / f"{name}.conf").write_text(content + more)


def _common(work: Path, service: str, database: str, extra: str = "") -> str:
    return _COMMON.format(work=work, service=service, database=database, extra=extra)


def tokens(service: str, real: Mapping[str, str]) -> str:
    """What makes a service ask Keystone who has a token, as the user of that service."""
    return _TOKENS.format(keystone=real["keystone"], account=_account(service))


def _account(service: str) -> str:
    return _ACCOUNT.format(service=service, password=PASSWORD, region=REGION)


def _keystone(work: Path) -> str:
    return _common(work, "keystone", "keystone") + (
        "\n[token]\nprovider = fernet\nexpiration = 86400\n"
        f"\n[fernet_tokens]\nkey_repository = {work}/keys/fernet\n"
        f"\n[fernet_receipts]\nkey_repository = {work}/keys/fernet\n"
        f"\n[credential]\nkey_repository = {work}/keys/credential\n"
        # Without, a token and its first use cost it a second: it looks at the roles dozens of times. But tests change them.
        # It knows nothing of what is written past it: ``Cloud.database`` and ``Cloud.keystone_has`` make it forget.
        "\n[cache]\nenabled = true\nbackend = dogpile.cache.memory_pickle\n\n[role]\ncache_time = 1\n"
        # No more than bcrypt takes; else it warns each time.
        "\n[identity]\nmax_password_length = 72\n"
    )


def _nova(work: Path, venv: Path, real: Mapping[str, str]) -> str:
    account = _account("nova")
    return (
        _common(work, "nova", "nova_cell1", "osapi_compute_workers = 1")
        + f"\n[api_database]\nconnection = sqlite:///{work}/db/nova_api.sqlite\n"
        + "\n[api]\nauth_strategy = keystone\n"
        # Nova's own schemas refuse some of its answers and log them whole.
        + "response_validation = ignore\n"
        + tokens("nova", real)
        + f"\n[neutron]\nauth_url = {real['keystone']}/v3\n{account}\n"
        + f"endpoint_override = {real['neutron']}\n"
        + f"\n[cinder]\nauth_url = {real['keystone']}/v3\n{account}\n"
        + f"endpoint_template = {real['cinder']}/v3\n"
        + f"\n[glance]\nendpoint_override = {real['glance']}\n"
        + f"\n[keystone]\nauth_url = {real['keystone']}/v3\n{account}\n"
        + f"endpoint_override = {real['keystone']}\n"
        + f"\n[placement]\nauth_url = {real['keystone']}/v3\n{account}\n"
        + f"\n[wsgi]\napi_paste_config = {venv}/etc/nova/api-paste.ini\n"
    )


def _cinder(work: Path, venv: Path, real: Mapping[str, str]) -> str:
    extra = (
        f"auth_strategy = keystone\napi_paste_config = {venv}/etc/cinder/api-paste.ini\n"
        "enabled_backends =\ndefault_volume_type = standard\n"
        f"resource_query_filters_file = {venv}/etc/cinder/resource_filters.json"
    )
    return _common(work, "cinder", "cinder", extra) + tokens("cinder", real)


def _glance(work: Path, venv: Path, real: Mapping[str, str]) -> str:
    extra = f"node_staging_uri = file://{work}/state/glance/staging\nenabled_import_methods = []"
    return (
        _common(work, "glance", "glance", extra)
        + tokens("glance", real)
        + "\n[glance_store]\nstores = file\ndefault_store = file\n"
        + f"filesystem_store_datadir = {work}/state/glance\n"
        + "\n[paste_deploy]\nflavor = keystone\n"
        + f"config_file = {venv}/etc/glance/glance-api-paste.ini\n"
    )


def _neutron(work: Path, venv: Path, real: Mapping[str, str]) -> str:
    extra = (
        "core_plugin = ml2\nservice_plugins = router,port_forwarding\nauth_strategy = keystone\n"
        f"api_paste_config = {venv}/etc/neutron/api-paste.ini\n"
        "notify_nova_on_port_status_changes = false\nnotify_nova_on_port_data_changes = false"
    )
    return (
        _common(work, "neutron", "neutron", extra)
        + tokens("neutron", real)
        + "\n[ml2]\ntype_drivers = local\ntenant_network_types = local\nmechanism_drivers =\n"
    )
