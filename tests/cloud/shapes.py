"""``python -m tests.cloud.shapes``: rows as the real services give them, a few of each kind, into tests/golden/api-rows.json.

They are what tests bend that need the shapes of the real APIs, and no cloud. Every field is kept, also
those that caso does not read today.
"""

import json
import tempfile
from pathlib import Path

from tests.cloud.client import Client, Json
from tests.cloud.cloud import Cloud
from tests.cloud.seed.plan import Seed

ROWS = Path(__file__).parents[1] / "golden" / "api-rows.json"
NOVA = "2.69"
"""What caso speaks with a Nova that is newer."""


def rows_of(cloud: Cloud) -> dict[str, list[Json]]:
    """By the name of their list: one project's servers of each status, the rest of it, and what belongs to these."""
    project = cloud.truth.project("project-0")
    client, everyone = Client(cloud.reader, project.id), Client(cloud.reader)
    changed = {"changes-since": "2026-09-01T00:00:00Z"}
    servers = client.get("compute", "/servers/detail", NOVA, **changed)["servers"]
    # The last of each status, one with accelerators where there is one; and one that booted from a volume.
    servers.sort(key=lambda row: (len(row["flavor"]["extra_specs"]), row["id"]))
    by_status = {row["status"]: row for row in servers}
    kept = [*by_status.values(), *[row for row in servers if row["image"] == "" and row not in by_status.values()][:1]]
    actions = client.get("compute", f"/servers/{by_status['RESCUE']['id']}/os-instance-actions", NOVA)["instanceActions"]
    ports = client.get("network", "/v2.0/ports", project_id=project.id)["ports"]
    ports.sort(key=lambda row: len(row["fixed_ips"]))
    return {
        "servers": kept,
        "instanceActions": actions,
        "flavors": client.get("compute", "/flavors/detail", NOVA)["flavors"],
        "volumes": client.get("block-storage", "/volumes/detail")["volumes"][:3],
        "floatingips": client.floating_ips(project_id=project.id)[:2],
        "ports": [ports[0], ports[-1]],
        "routers": client.get("network", "/v2.0/routers", project_id=project.id)["routers"][:1],
        "images": client.get("image", "/v2/images")["images"][:2],
        "projects": [everyone.get("identity", f"/projects/{project.id}")["project"]],
        "users": everyone.get("identity", "/users")["users"][:2],
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Cloud.start(Path(folder), Seed(projects=2, live=60, deleted=6)) as cloud:
        rows = rows_of(cloud)
    ROWS.write_text(json.dumps(rows, indent=1, sort_keys=True) + "\n")
    print({name: len(some) for name, some in rows.items()})


if __name__ == "__main__":
    main()
