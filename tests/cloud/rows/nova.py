"""Nova: flavors, and servers with all that hangs on them, in three cells."""

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tests.cloud.rows.nova_json import flavor_json, network_json
from tests.cloud.rows.table import Rows
from tests.cloud.seed.truth import Action, Flavor, Server, Step, Truth, Volume

API = "nova_api"
CELLS = {"cell0": 1, "cell1": 2, "cell2": 3}
POWER_STATES = {  # vm_state -> nova.compute.power_state; 0 (none) for all others
    "active": 1, "resized": 1, "rescued": 1, "paused": 3, "stopped": 4, "shelved": 4,
    "suspended": 7,
}  # fmt: skip
ACTIONS = 1000  # more than any server has; ids of actions are made of it
EVENTS = {"create": "compute__do_build_and_run_instance", "delete": "compute_terminate_instance"}


def add_nova(rows: Rows, truth: Truth, at: datetime, archived: datetime | None = None) -> None:
    """What Nova has at a time. A server's number is its place in the truth, in all its tables.

    Of those deleted before ``archived`` it has nothing any more.
    """
    for flavor in truth.flavors:
        if flavor.exists:
            _flavor(rows, flavor, truth)
    writer = _Writer(rows, truth, at)
    for number, server in enumerate(truth.servers, start=1):
        step = server.state(at)
        if step and not (archived and step.vm_state == "deleted" and (server.deleted_at or step.at) < archived):
            writer.server(number, server, step)


def add_servers(rows: Rows, truth: Truth, servers: Mapping[str, Server], at: datetime) -> None:
    """What Nova has of some servers of the truth, by their ids, if their lives are not those of the truth but these."""
    writer = _Writer(rows, truth, at)
    for number, planned in enumerate(truth.servers, start=1):
        server = servers.get(planned.id)
        if server and (step := server.state(at)):
            writer.server(number, server, step)


def _flavor(rows: Rows, flavor: Flavor, truth: Truth) -> None:
    created = truth.reference - timedelta(days=700)
    rows.add(
        API,
        "flavors",
        id=flavor.number,
        created_at=created,
        flavorid=flavor.id,
        name=flavor.name,
        memory_mb=flavor.memory_mib,
        vcpus=flavor.vcpus,
        swap=0,
        rxtx_factor=1.0,
        root_gb=flavor.root_gib,
        ephemeral_gb=flavor.ephemeral_gib,
        disabled=False,
        is_public=flavor.public,
        vcpu_weight=0,
    )
    for place, (name, value) in enumerate(flavor.extra_specs.items()):
        rows.add(API, "flavor_extra_specs", id=flavor.number * 100 + place, created_at=created,
                 flavor_id=flavor.number, key_=name, value=value)  # fmt: skip
    if not flavor.public:
        rows.add(API, "flavor_projects", id=flavor.number, created_at=created,
                 flavor_id=flavor.number, project_id=truth.projects[0].id)  # fmt: skip


class _Writer:
    """Adds the rows of servers at one time."""

    def __init__(self, rows: Rows, truth: Truth, at: datetime) -> None:
        self.rows = rows
        self.at = at
        self.flavors = {flavor.name: flavor for flavor in truth.flavors}
        self.images = {image.id: image for image in truth.images}
        self.floating: dict[str, list[str]] = defaultdict(list)
        for floating_ip in truth.floating_ips:
            if floating_ip.server_id and floating_ip.exists(at):
                self.floating[floating_ip.server_id].append(floating_ip.ip)
        self.volumes: dict[str, list[Volume]] = defaultdict(list)
        for volume in truth.volumes:
            for attachment in volume.attachments:
                if attachment.exists(at):
                    self.volumes[attachment.server_id].append(volume)

    def server(self, number: int, server: Server, step: Step) -> None:
        """All rows of one server."""
        deleted = step.vm_state == "deleted"
        database = f"nova_{server.cell}"
        times: dict[str, Any] = {
            "id": number,
            "instance_uuid": server.id,
            "created_at": server.created,
            "updated_at": step.at,
            "deleted_at": server.deleted_at if deleted else None,
            "deleted": number if deleted else 0,
        }
        self._instance(database, number, server, step, deleted)
        self.rows.add(API, "instance_mappings", id=number, created_at=server.created,
                      instance_uuid=server.id, cell_id=CELLS[server.cell],
                      project_id=server.project_id, user_id=server.user_id,
                      queued_for_delete=deleted)  # fmt: skip
        self._extra(database, times, server, step)
        addresses = () if deleted else server.addresses
        network = network_json(server.project_id, addresses, self.floating[server.id])
        self.rows.add(database, "instance_info_caches", **times, network_info=network)
        self._metadata(database, times, server)
        if step.vm_state == "error":
            message = "No valid host was found." if step.launched_at is None else "Host is gone."
            self.rows.add(database, "instance_faults", **{**times, "updated_at": None}, code=500,
                          message=message, details="")  # fmt: skip
        for place, action in enumerate(server.actions):
            if action.start <= self.at:
                self._action(database, number * ACTIONS + place, server, action)
        for place, volume in enumerate(self.volumes[server.id]):
            self._block_device(database, number * 100 + place, server, volume)

    def _instance(self, database: str, number: int, server: Server, step: Step, deleted: bool) -> None:
        flavor = self.flavors[step.flavor]
        host = None if step.launched_at is None or step.vm_state == "shelved_offloaded" else "compute"
        ended = deleted or step.vm_state == "soft-delete"
        self.rows.add(
            database,
            "instances",
            id=number,
            uuid=server.id,
            project_id=server.project_id,
            user_id=server.user_id,
            image_ref=server.image_id or "",
            display_name=server.name,
            hostname=f"server-{number}",
            host=host,
            node=host,
            launched_on=host,
            vm_state=step.vm_state,
            task_state=step.task_state,
            power_state=POWER_STATES.get(step.vm_state, 0),
            memory_mb=flavor.memory_mib,
            vcpus=flavor.vcpus,
            root_gb=flavor.root_gib,
            ephemeral_gb=flavor.ephemeral_gib,
            instance_type_id=flavor.number,
            created_at=server.created,
            updated_at=step.at,
            launched_at=step.launched_at,
            terminated_at=server.terminated_at if deleted else None,
            deleted_at=step.at if ended else None,
            deleted=number if deleted else 0,
            availability_zone="nova" if host else None,
            root_device_name="/dev/vda",
            reservation_id=f"r-{number:08d}",
            launch_index=0,
            progress=0,
            locked=False,
            auto_disk_config=False,
            shutdown_terminate=False,
            disable_terminate=False,
            config_drive="",
            cleaned=int(deleted),
            hidden=False,
        )

    def _extra(self, database: str, times: dict[str, Any], server: Server, step: Step) -> None:
        flavor = flavor_json(self.flavors[step.flavor])
        before = server.state(step.at - timedelta(seconds=1))
        old = flavor_json(self.flavors[before.flavor]) if before else None
        resized = step.vm_state == "resized"
        saved = {"cur": flavor, "old": old if resized else None, "new": flavor if resized else None}
        self.rows.add(database, "instance_extra", **times, flavor=json.dumps(saved),
                      pci_requests="[]", vcpu_model=None)  # fmt: skip

    def _metadata(self, database: str, times: dict[str, Any], server: Server) -> None:
        for place, (name, value) in enumerate(server.metadata.items()):
            mine = {**times, "id": times["id"] * 100 + place}
            self.rows.add(database, "instance_metadata", **mine, key_=name, value=value)
        system = {"boot_roles": "member,reader"}
        if server.image_id:
            system["image_base_image_ref"] = server.image_id
        if server.image_id in self.images:
            for name, value in self.images[server.image_id].properties.items():
                system[f"image_{name}"] = value
        for place, (name, value) in enumerate(system.items()):
            mine = {**times, "id": times["id"] * 100 + place}
            self.rows.add(database, "instance_system_metadata", **mine, key_=name, value=value)

    def _action(self, database: str, number: int, server: Server, action: Action) -> None:
        done = action.finish if action.finish and action.finish <= self.at else None
        times: dict[str, Any] = {"id": number, "created_at": action.start, "start_time": action.start, "deleted": 0}
        self.rows.add(
            database,
            "instance_actions",
            **times,
            # Nova writes it when an event of the action starts, and when it ends; nothing writes finish_time.
            updated_at=done or action.start,
            finish_time=None,
            action=action.name,
            instance_uuid=server.id,
            request_id=f"req-{server.id[:-6]}{number % ACTIONS:06d}",
            user_id=server.user_id,
            project_id=server.project_id,
            message="Error" if action.failed and done else None,
        )
        self.rows.add(
            database,
            "instance_actions_events",
            **times,
            updated_at=done,
            finish_time=done,
            event=EVENTS.get(action.name, f"compute_{action.name}_instance"),
            action_id=number,
            result=("Error" if action.failed else "Success") if done else None,
            host="compute",
        )

    def _block_device(self, database: str, number: int, server: Server, volume: Volume) -> None:
        root = volume.oddity == "root"
        self.rows.add(
            database,
            "block_device_mapping",
            id=number,
            uuid=volume.attachments[0].id,
            created_at=server.created,
            device_name="/dev/vda" if root else "/dev/vdb",
            boot_index=0 if root else None,
            delete_on_termination=False,
            volume_id=volume.id,
            volume_size=volume.size_gib,
            instance_uuid=server.id,
            source_type="volume",
            destination_type="volume",
            device_type="disk",
            connection_info="{}",
            no_device=False,
            deleted=0,
        )
