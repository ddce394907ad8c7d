"""The operations on servers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from tests.live.client import Client, Json
from tests.live.lives import FLAVORS, IMAGES, TOO_BIG, Life
from tests.live.log import DELETED, Step, now
from tests.live.watching import Row

if TYPE_CHECKING:
    from tests.live.driver import Driver

ACTIONS: dict[str, tuple[Json, str]] = {
    "confirm": ({"confirmResize": None}, "ACTIVE"),
    "revert": ({"revertResize": None}, "ACTIVE"),
    "stop": ({"os-stop": None}, "SHUTOFF"),
    "start": ({"os-start": None}, "ACTIVE"),
    "suspend": ({"suspend": None}, "SUSPENDED"),
    "resume": ({"resume": None}, "ACTIVE"),
    "pause": ({"pause": None}, "PAUSED"),
    "unpause": ({"unpause": None}, "ACTIVE"),
    "shelve": ({"shelve": None}, "SHELVED_OFFLOADED"),
    "unshelve": ({"unshelve": None}, "ACTIVE"),
    "reboot": ({"reboot": {"type": "SOFT"}}, "ACTIVE"),
}
"""What is asked of a server for each, and the status that tells that it is done."""


@dataclasses.dataclass
class Living:
    """A server in its life."""

    life: int
    id: str
    client: Client
    choices: int
    row: Row = dataclasses.field(default_factory=dict)


class Servers:
    """Asks for operations, waits for their ends, notes them."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._flavors = {row["name"]: row["id"] for row in driver.admin.get("compute", "/flavors")["flavors"]}

    def live(self, life: Life) -> None:
        """All of one life."""
        server = self.create(life)
        for operation in life.operations[1:]:
            self.do(server, operation)

    def create(self, life: Life) -> Living:
        """Until it is active, or has failed where it is too big for any host."""
        fails = life.kind == "unplaced"
        flavor = TOO_BIG if fails else FLAVORS[life.choices % len(FLAVORS)]
        wanted = {
            "name": f"server-{life.number}",
            "flavorRef": self._flavors[flavor],
            "imageRef": self._driver.images[IMAGES[life.choices % len(IMAGES)]],
            "networks": "none",
            "metadata": {"life": str(life.number)},
        }
        project = self._driver.projects[life.choices % len(self._driver.projects)]
        client = self._driver.clients[project.id]
        began = now()
        made = client.post("compute", "/servers", {"server": wanted})["server"]
        server = Living(life.number, made["id"], client, life.choices)
        self._wait(server, "create", began, _is("ERROR" if fails else "ACTIVE"))
        return server

    def do(self, server: Living, operation: str) -> None:
        """Any operation but ``create``."""
        own = {"resize": self._resize, "rebuild": self._rebuild, "rename": self._rename, "delete": self._delete}
        if operation in own:
            own[operation](server)
            return
        body, status = ACTIONS[operation]
        self._act(server, operation, body, _is(status))

    def _resize(self, server: Living) -> None:
        here = FLAVORS.index(server.row["flavor"]["original_name"])
        flavor = FLAVORS[(here + 1) % len(FLAVORS)]
        self._act(server, "resize", {"resize": {"flavorRef": self._flavors[flavor]}}, _is("VERIFY_RESIZE"))

    def _rebuild(self, server: Living) -> None:
        other = next(id_ for id_ in self._driver.images.values() if id_ != server.row["image"]["id"])
        self._act(server, "rebuild", {"rebuild": {"imageRef": other}}, _is("ACTIVE"))

    def _rename(self, server: Living) -> None:
        began = now()
        name = f"{server.row['name']}-renamed"
        server.client.put("compute", f"/servers/{server.id}", {"server": {"name": name}})
        self._wait(server, "rename", began, lambda row: row is not None and row["name"] == name)

    def _delete(self, server: Living) -> None:
        began = now()
        server.client.delete("compute", f"/servers/{server.id}")
        self._wait(server, "delete", began, lambda row: row is None)

    def _act(self, server: Living, operation: str, body: Json, happened: Callable[[Row | None], bool]) -> None:
        began = now()
        server.client.post("compute", f"/servers/{server.id}/action", body)
        self._wait(server, operation, began, happened)

    def _wait(self, server: Living, operation: str, began: datetime, happened: Callable[[Row | None], bool]) -> None:
        row = self._driver.watch.until("server", server.id, happened)
        server.row = row or {**server.row, "status": DELETED}
        self._driver.note(_step(server, operation, began, now()))


def _is(status: str) -> Callable[[Row | None], bool]:
    """It has a status, and nothing is being done to it."""
    return lambda row: row is not None and row["status"] == status and row["OS-EXT-STS:task_state"] is None


def _step(server: Living, operation: str, began: datetime, ended: datetime) -> Step:
    row = server.row
    return Step(
        kind="server",
        id=server.id,
        operation=operation,
        started_at=began,
        finished_at=ended,
        life=server.life,
        status=row["status"],
        name=row["name"],
        project_id=row["tenant_id"],
        flavor=row["flavor"]["original_name"],
        image=row["image"]["id"] if row["image"] else None,
    )
