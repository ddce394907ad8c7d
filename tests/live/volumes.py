"""The operations on volumes and on their types."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from tests.live.client import Client
from tests.live.lives import TYPES, Life
from tests.live.log import DELETED, Step, now
from tests.live.servers import Living, Servers
from tests.live.watching import Row

if TYPE_CHECKING:
    from tests.live.driver import Driver


@dataclasses.dataclass
class LivingVolume:
    """A volume in its life."""

    life: int
    id: str
    client: Client
    row: Row = dataclasses.field(default_factory=dict)
    server: Living | None = None


class Volumes:
    """Asks for operations, waits for their ends, notes them; a volume that is attached gets a server for it, noted as well."""

    def __init__(self, driver: Driver, servers: Servers) -> None:
        self._driver = driver
        self._servers = servers

    def live(self, life: Life) -> None:
        """All of a volume's life."""
        volume = self._create(life)
        own: dict[str, Callable[[LivingVolume], None]] = {
            "extend": self._extend,
            "retype": self._retype,
            "rename": self._rename,
            "detach": self._detach,
            "transfer": self._transfer,
            "delete_server": self._delete_server,
            "delete": self._delete,
        }
        for operation in life.operations[1:]:
            if operation == "attach":
                self._attach(volume, life)
            else:
                own[operation](volume)

    def live_of_type(self, life: Life) -> None:
        """All of a volume type's life."""
        name = f"type-{life.number}"
        id_ = self._driver.make_type(name, life.number)
        for operation in life.operations[1:]:
            began = now()
            status = "available"
            if operation == "rename":
                name += "-renamed"
                self._driver.admin.put("block-storage", f"/types/{id_}", {"volume_type": {"name": name}})
            else:
                self._driver.admin.delete("block-storage", f"/types/{id_}")
                status = DELETED
            self._driver.note(Step("volume_type", id_, operation, began, now(), life.number, status, name))

    def _create(self, life: Life) -> LivingVolume:
        wanted = {
            "name": f"volume-{life.number}",
            "size": 1 + life.choices % 3,
            "volume_type": TYPES[life.choices % len(TYPES)],
        }
        project = self._driver.projects[life.choices % len(self._driver.projects)]
        client = self._driver.clients[project.id]
        began = now()
        made = client.post("block-storage", "/volumes", {"volume": wanted})["volume"]
        volume = LivingVolume(life.number, made["id"], client)
        self._wait(volume, "create", began, _is("available"))
        return volume

    def _extend(self, volume: LivingVolume) -> None:
        size = volume.row["size"] + 2
        began = self._act(volume, {"os-extend": {"new_size": size}})
        self._wait(volume, "extend", began, _is("available", size=size))

    def _retype(self, volume: LivingVolume) -> None:
        other = next(name for name in TYPES if name != volume.row["volume_type"])
        began = self._act(volume, {"os-retype": {"new_type": other, "migration_policy": "never"}})
        self._wait(volume, "retype", began, _is("available", volume_type=other))

    def _rename(self, volume: LivingVolume) -> None:
        name = f"{volume.row['name']}-renamed"
        began = now()
        volume.client.put("block-storage", f"/volumes/{volume.id}", {"volume": {"name": name}})
        self._wait(volume, "rename", began, lambda row: row is not None and row["name"] == name)

    def _attach(self, volume: LivingVolume, life: Life) -> None:
        """To a server of the project that the volume is in now."""
        here = next(number for number, project in enumerate(self._driver.projects) if project.id == volume.client.project_id)
        volume.server = self._servers.create(Life(life.number, "server", ("create",), choices=here))
        began = now()
        wanted = {"volumeAttachment": {"volumeId": volume.id}}
        volume.client.post("compute", f"/servers/{volume.server.id}/os-volume_attachments", wanted)
        self._wait(volume, "attach", began, _is("in-use"))

    def _detach(self, volume: LivingVolume) -> None:
        """Its server is deleted afterwards, with nothing attached."""
        assert volume.server is not None
        began = now()
        volume.client.delete("compute", f"/servers/{volume.server.id}/os-volume_attachments/{volume.id}")
        self._wait(volume, "detach", began, _is("available"))
        self._servers.do(volume.server, "delete")

    def _delete_server(self, volume: LivingVolume) -> None:
        """Which detaches the volume; noted as ``detach``."""
        assert volume.server is not None
        began = now()
        self._servers.do(volume.server, "delete")
        self._wait(volume, "detach", began, _is("available"))

    def _transfer(self, volume: LivingVolume) -> None:
        """To the other project; the offer is not noted, for it changes no owner."""
        offer = volume.client.post("block-storage", "/volume-transfers", {"transfer": {"volume_id": volume.id}})["transfer"]
        other = next(client for id_, client in self._driver.clients.items() if id_ != volume.client.project_id)
        began = now()
        accepted = {"accept": {"auth_key": offer["auth_key"]}}
        other.post("block-storage", f"/volume-transfers/{offer['id']}/accept", accepted)
        volume.client = other
        self._wait(volume, "transfer", began, _is("available", **{"os-vol-tenant-attr:tenant_id": other.project_id}))

    def _delete(self, volume: LivingVolume) -> None:
        began = now()
        volume.client.delete("block-storage", f"/volumes/{volume.id}")
        self._wait(volume, "delete", began, lambda row: row is None)

    def _act(self, volume: LivingVolume, body: dict[str, object]) -> datetime:
        began = now()
        volume.client.post("block-storage", f"/volumes/{volume.id}/action", body)
        return began

    def _wait(self, volume: LivingVolume, operation: str, began: datetime, happened: Callable[[Row | None], bool]) -> None:
        row = self._driver.watch.until("volume", volume.id, happened)
        volume.row = row or {**volume.row, "status": DELETED}
        self._driver.note(self._step(volume, operation, began, now()))

    def _step(self, volume: LivingVolume, operation: str, began: datetime, ended: datetime) -> Step:
        row = volume.row
        return Step(
            kind="volume",
            id=volume.id,
            operation=operation,
            started_at=began,
            finished_at=ended,
            life=volume.life,
            status=row["status"],
            name=row["name"],
            project_id=row["os-vol-tenant-attr:tenant_id"],
            size_gib=row["size"],
            type=row["volume_type"],
            type_id=self._driver.types[row["volume_type"]],
            attached_to=tuple(sorted(one["server_id"] for one in row["attachments"])),
        )


def _is(status: str, **values: object) -> Callable[[Row | None], bool]:
    def happened(row: Row | None) -> bool:
        return row is not None and row["status"] == status and all(row[name] == value for name, value in values.items())

    return happened
