"""The fleet that is metered, as Nova lists it: that of ``fleet`` in ``tests.meters.seed`` and in ``tests.meters.power``."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from tests.bench.pages import Json, Prepared, name_based
from tests.cloud.seed.catalog import make_projects, make_users, stable_id
from tests.cloud.shapes import ROWS
from tests.meters import power
from tests.meters.seed import UNTIL

DAY = UNTIL - timedelta(days=1)
"""The fleet is made when this day begins, and what Gnocchi knows of it was read in its last minutes."""
SAMPLE_SECONDS = 300
HOURS = 28
"""For so long there are samples of power."""


@dataclasses.dataclass(frozen=True)
class MeteredFleet(Prepared):
    """So many servers of one or two projects, all made at the beginning of the day."""

    now: datetime = UNTIL
    owners: int = 2

    @property
    def projects(self) -> list[str]:
        return [project.id for project in make_projects(self.owners)[: self.owners]]

    def values(self, number: int) -> dict[str, str]:
        name = f"fleet-{number}"
        return {
            "ID": stable_id("metered", name),
            "NAME": name,
            "PROJECT": self.projects[number % self.owners],
            "USER": name_based("user", number % 50).hex,
            "TIME": f"{DAY:%Y-%m-%dT%H:%M:%S}",
        }

    def few(self) -> Mapping[str, Json]:
        """Also what cASO asks for one by one, and who Ceilometer says the servers belong to."""
        answers = dict(super().few())
        (shape, *_) = json.loads(ROWS.read_text())["users"]
        known = [{**shape, "id": user.id, "name": user.name} for user in make_users() if user.exists]
        users = {"users": [*answers["users"]["users"], *known], "links": {"next": None}}
        one_by_one = {row["id"]: {"project": row} for row in answers["projects"]["projects"]}
        return {**answers, **one_by_one, "users": users, "os-extra_specs": {"extra_specs": {}}}


def power_of_fleet(servers: int) -> Iterator[str]:
    """Lines of OpenMetrics: what scaphandre says of each, every five minutes of a day and some hours."""
    yield "# TYPE prometheus_value gauge"
    fleet = power.fleet(servers, samples=HOURS * 3600 // SAMPLE_SECONDS, day=DAY, every=SAMPLE_SECONDS)
    yield from power.scaphandre(fleet)
