"""Configuration files of services that work and tell of it; they differ from those of tests.cloud by what stands here.

What is appended wins: of a key that stands twice the last is taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.cloud import configs
from tests.cloud.configs import PASSWORD, REGION

COMPUTE_HOST = "compute-1"
DATABASES = ("nova_api", "nova_cell0", "nova_cell1", "cinder", "placement")
"""Those on PostgreSQL: on SQLite a writer of Nova that comes second fails at once."""
CINDER_HOST = "block-1"

_NOTIFYING = """
[DEFAULT]
transport_url = {bus}
rpc_response_timeout = 120
[oslo_messaging_notifications]
driver = messagingv2
topics = notifications,caso
[oslo_messaging_rabbit]
rabbit_retry_interval = 1
rabbit_retry_backoff = 1
rabbit_interval_max = 2
"""

_ACCOUNT = f"""\
auth_type = password
auth_url = {{keystone}}/v3
username = nova
password = {PASSWORD}
user_domain_id = default
project_name = service
project_domain_id = default
region_name = {REGION}
"""

_NOVA = f"""
[DEFAULT]
host = {COMPUTE_HOST}
compute_driver = fake.FakeDriverWithoutFakeNodes
allow_resize_to_same_host = true
resize_confirm_window = 0
shelved_offload_time = 0
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
instance_usage_audit = true
instance_usage_audit_period = {{audit_period}}
reserved_host_memory_mb = 0
sync_power_state_interval = -1
heal_instance_info_cache_interval = -1
running_deleted_instance_poll_interval = 0
[conductor]
workers = 1
[scheduler]
workers = 1
[quota]
instances = -1
cores = -1
ram = -1
[notifications]
notification_format = both
notify_on_state_change = vm_and_task_state
versioned_notifications_topics = versioned_notifications,caso_versioned
bdms_in_notifications = true
[placement]
endpoint_override = {{placement}}
[service_user]
send_service_user_token = true
{_ACCOUNT}
[api_database]
connection = {{nova_api_database}}
[database]
connection = {{nova_cell1_database}}
"""

_CINDER = f"""
[DEFAULT]
host = {CINDER_HOST}
enabled_backends = fake
default_volume_type = standard
quota_volumes = -1
quota_gigabytes = -1
target_helper = fake
[fake]
volume_driver = cinder.tests.fake_driver.FakeLoggingVolumeDriver
volume_backend_name = fake
target_helper = fake
[database]
connection = {{cinder_database}}
"""

# Nobody changes Keystone behind its back here. Without this a token costs it half a second, for queries alone.
_KEYSTONE = "".join(f"\n[{part}]\ncaching = true\n" for part in ("resource", "assignment", "role", "catalog", "identity"))

_PLACEMENT = """\
[DEFAULT]
debug = false
use_stderr = true
[api]
auth_strategy = keystone
[placement_database]
connection = {placement_database}
"""


def write_configs(
    work: Path, venv: Path, urls: Mapping[str, str], databases: Mapping[str, str], bus: str, *, audit_period: str = "hour"
) -> None:
    """Write ``<work>/etc/*``.

    ``urls`` has where each service is, ``databases`` the URL of each of DATABASES, as services take it, ``bus`` that of
    RabbitMQ. Nova tells of every server that it had in the last ``audit_period``: ``hour@37`` ends at minute 37.
    """
    configs.write_configs(work, venv, urls)
    etc = work / "etc"
    stores = {f"{name}_database": url for name, url in databases.items()}
    words = {**urls, **stores, "bus": bus, "audit_period": audit_period}
    for name, more in (("nova", _NOVA), ("cinder", _CINDER)):
        with (etc / f"{name}.conf").open("a") as file:
            file.write((_NOTIFYING + more).format(**words))
    with (etc / "keystone.conf").open("a") as file:
        file.write(_KEYSTONE)
    placement = _PLACEMENT.format(**words) + configs.tokens("nova", urls)
    (etc / "placement.conf").write_text(placement)
