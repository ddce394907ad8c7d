"""Lives many lives in a cloud, several at a time, and notes what was done when.

    steps = Driver(cloud).run(random_lives(50, seed=1))

Operations are asked for through the APIs, and are done when these say so: nothing here knows of notifications.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.cloud.seed.truth import Project
from tests.live.client import Client, Json
from tests.live.lives import FLAVORS, IMAGES, TOO_BIG, TYPES, Life
from tests.live.log import Step, now
from tests.live.servers import Servers
from tests.live.volumes import Volumes
from tests.live.watching import Watch

if TYPE_CHECKING:
    from tests.live.cloud import LiveCloud

AT_A_TIME = 6


class Driver:
    """Its flavors, images and volume types are made before the first life; ``steps`` has all that was done so far."""

    def __init__(self, cloud: LiveCloud) -> None:
        self.steps: list[Step] = []
        self.projects: list[Project] = cloud.projects
        self.clients: dict[str, Client] = {project.id: cloud.client(project) for project in cloud.projects}
        self.watch = Watch(self.admin)
        self.images: dict[str, str] = {}
        self.types: dict[str, str] = {}
        self._lock = threading.Lock()
        self._prepared = False

    @property
    def admin(self) -> Client:
        """Sees and does all in all projects."""
        return self.clients[self.projects[0].id]

    def run(self, lives: list[Life], at_a_time: int = AT_A_TIME) -> list[Step]:
        """What was done, in the order in which it began; the first exception of a life, after the others' ends."""
        self._prepare()
        with Watch(self.admin) as self.watch, ThreadPoolExecutor(max_workers=at_a_time) as pool:
            servers = Servers(self)
            volumes = Volumes(self, servers)
            live = {
                "server": servers.live,
                "unplaced": servers.live,
                "volume": volumes.live,
                "volume_type": volumes.live_of_type,
            }
            running = [pool.submit(live[life.kind], life) for life in lives]
        for done in running:
            done.result()
        return sorted(self.steps, key=lambda step: step.started_at)

    def note(self, step: Step) -> None:
        with self._lock:
            self.steps.append(step)

    def _prepare(self) -> None:
        if self._prepared:
            return
        self._prepared = True
        for number, name in enumerate(FLAVORS, start=1):
            # The same root disk: the image of a shelved server fits on no smaller one.
            self._make_flavor(name, vcpus=number, ram=512 * number, disk=5, **{"OS-FLV-EXT-DATA:ephemeral": number - 1})
        self._make_flavor(TOO_BIG, vcpus=1, ram=512, disk=700_000)
        for name in IMAGES:
            self.images[name] = self._make_image(name)
        for name in TYPES:
            self.make_type(name, life=-1)

    def _make_flavor(self, name: str, **sizes: int) -> None:
        made = self.admin.post("compute", "/flavors", {"flavor": {"name": name, **sizes}})["flavor"]
        specs = {"extra_specs": {"accounting:benchmark_type": "hepscore", "hw:cpu_policy": "shared"}}
        self.admin.post("compute", f"/flavors/{made['id']}/os-extra_specs", specs)

    def _make_image(self, name: str) -> str:
        wanted = {"name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public"}
        about = {"os_distro": name, "os_version": "12", "os_type": "linux"}
        made = self.admin.post("image", "/v2/images", {**wanted, **about})
        content = {"Content-Type": "application/octet-stream"}
        self.admin.put("image", f"/v2/images/{made['id']}/file", data=b"image", headers=content)
        return str(made["id"])

    def make_type(self, name: str, life: int) -> str:
        began = now()
        made: Json = self.admin.post("block-storage", "/types", {"volume_type": {"name": name}})["volume_type"]
        with self._lock:
            self.types[name] = made["id"]
        self.note(Step("volume_type", made["id"], "create", began, now(), life, "available", name))
        return str(made["id"])
