"""The live cloud does what it is asked for, and tells of it."""

from __future__ import annotations

import pytest

from tests.broker import count
from tests.live import Driver, Life, LiveCloud, by_id
from tests.live.capture import bodies, inner

pytestmark = [pytest.mark.cloud, pytest.mark.debian("rabbitmq-server"), pytest.mark.debian("postgresql")]

LIVES = [
    Life(0, "server", ("create", "resize", "confirm", "delete")),
    Life(1, "unplaced", ("create",)),
    Life(2, "volume", ("create", "extend", "delete")),
]


def test_what_is_done_is_told_in_both_formats(live_cloud: LiveCloud):
    steps = Driver(live_cloud).run(LIVES)
    live_cloud.wait_until_told()

    assert sorted((step.life, step.operation, step.status) for step in steps if step.life >= 0) == [
        (0, "confirm", "ACTIVE"),
        (0, "create", "ACTIVE"),
        (0, "delete", "deleted"),
        (0, "resize", "VERIFY_RESIZE"),
        (1, "create", "ERROR"),
        (2, "create", "available"),
        (2, "delete", "deleted"),
        (2, "extend", "available"),
    ]
    assert all(step.started_at < step.finished_at for step in steps)
    # The services have no others to tell: what is left for everyone else stays where it is.
    assert count(live_cloud.broker_url, "notifications.info") > 0
    told = {message["event_type"] for message in inner(bodies(live_cloud.broker_url, ["caso.info"]))}
    assert {"compute.instance.create.end", "compute.instance.finish_resize.end", "compute.instance.delete.end"} <= told
    assert {"volume.create.end", "volume.resize.end", "volume.delete.end", "volume_type.create"} <= told
    told = {message["event_type"] for message in inner(bodies(live_cloud.broker_url, ["caso_versioned.info"]))}
    assert {"instance.create.end", "instance.resize_finish.end", "instance.delete.end"} <= told
    (failed,) = inner(bodies(live_cloud.broker_url, ["caso.error"]))
    (unplaced,) = (server for server, done in by_id(steps, "server").items() if done[-1].status == "ERROR")
    assert failed["event_type"] == "compute_task.build_instances"
    assert failed["payload"]["instance_id"] == unplaced
