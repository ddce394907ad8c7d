"""The pages about notifications and the API name events, queues and entry points that there are."""

import importlib
import re

from caso.extractors.notifications import NotificationsExtractor, queues_from
from caso.sources.messages_cinder import GONE, VolumeTypeEvent
from caso.sources.messages_nova import event_of
from tests.unit.doc.pages import SOURCE

NOTIFICATIONS = (SOURCE / "notifications.rst").read_text(encoding="utf-8")
SERVING = (SOURCE / "serving.rst").read_text(encoding="utf-8")


def default_queues() -> tuple[str, ...]:
    class Defaults:
        transport_url = ("rabbit://bus/",)

    for option in NotificationsExtractor.options:
        if option.dest != "transport_url":
            setattr(Defaults, option.dest, option.default)
    return queues_from(Defaults()).names


def test_the_rights_on_the_bus_are_for_the_queues_that_are_read_and_no_others():
    (pattern,) = re.findall(r"set_permissions --vhost / caso '\^\$' '\^\$' '(.+)'", NOTIFICATIONS)

    assert [queue for queue in default_queues() if not re.search(pattern, queue)] == []
    assert [queue for queue in ("notifications.info", "caso.info.x", "my-caso.info", "nova") if re.search(pattern, queue)] == []


def test_the_topics_in_the_files_of_the_services_are_those_of_the_queues():
    topics = set(re.findall(r"topics = [\w_]+,(\w+)", NOTIFICATIONS))

    assert {queue.rpartition(".")[0] for queue in default_queues()} == topics


def events_of_the_table() -> list[str]:
    table = NOTIFICATIONS.split("   * - event\n")[1].split("\nWhat is billed is cut")[0]
    firsts = re.findall(r"^   \* - (.*)$", table, re.MULTILINE)
    return [event for line in firsts for event in re.findall(r"``([\w.]+)``", line) if not event.startswith(".")]


def test_every_event_of_the_table_is_one_that_is_read():
    events = events_of_the_table()
    types = {f"volume_type.{event}" for event in VolumeTypeEvent}
    servers_or_volumes = [event for event in events if event not in types]

    assert types <= set(events)
    assert set(GONE) <= set(events)
    assert [one for one in servers_or_volumes if not (event_of(f"compute.instance.{one}") or one == "retype")] == []


def test_the_entry_points_for_other_servers_are_there():
    entries = re.findall(r"'(caso[.][\w.]+):(\w+)[(]", SERVING)

    assert entries
    assert [name for module, name in entries if not callable(getattr(importlib.import_module(module), name))] == []
