"""The laws of messengers, as tests that the author of one runs over it.

Name the class ``Test...``, say how to make the messenger, and pytest does the rest::

    class TestMine(MessengerContract):
        def make(self, tmp_path):
            return MyMessenger(directory=tmp_path / "spool")

        def received(self, tmp_path):
            return [line["key"] for line in read(tmp_path / "spool")]
"""

from __future__ import annotations

import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from oslo_config import cfg

from caso.errors import DeliveryError, RejectedError
from caso.messengers.base import Messenger
from caso.records import Record, Status
from caso.testing.records import a_cloud_record, a_storage_record, an_accelerator_record, an_energy_record, an_ip_record

# Importing a module must leave oslo.config's global options as they are.
IMPORTS_ONLY = "import importlib, sys; from oslo_config import cfg; before = sorted(cfg.CONF); \
importlib.import_module(sys.argv[1]); sys.exit(sorted(cfg.CONF) != before)"


class MessengerContract(ABC):
    """What every messenger keeps to; see caso.messengers.base for the reasons.

    ``settings`` are the values of those options that have no default. ``extra_records``
    are of kinds that caso does not have, for a messenger that takes them.
    """

    settings: ClassVar[Mapping[str, Any]] = {}
    extra_records: ClassVar[tuple[Record, ...]] = ()

    @abstractmethod
    def make(self, tmp_path: Path) -> Messenger:
        """A messenger whose recipient is up; called again with the same path, it has the same recipient."""

    def received(self, tmp_path: Path) -> Collection[str] | None:
        """The keys of all records that the recipient holds; None where nobody can look."""
        return None

    def make_broken(self, tmp_path: Path) -> Messenger | None:
        """A messenger whose recipient cannot take anything; None where that cannot be."""
        return None

    def test_sending_nothing_does_nothing(self, tmp_path: Path) -> None:
        self.make(tmp_path).send([])

        assert not self.received(tmp_path)

    def test_what_was_sent_is_held(self, tmp_path: Path) -> None:
        records = self.records_for(self.make(tmp_path))

        self.make(tmp_path).send(records)

        self.assert_held(records, tmp_path)

    def test_records_of_one_kind_are_held_as_mixed_ones_are(self, tmp_path: Path) -> None:
        messenger = self.make(tmp_path)
        records = self.records_for(messenger)

        for kind in sorted({record.kind for record in records}):
            messenger.send([record for record in records if record.kind == kind])

        self.assert_held(records, tmp_path)

    def test_sending_the_same_twice_is_harmless(self, tmp_path: Path) -> None:
        messenger = self.make(tmp_path)
        records = self.records_for(messenger)

        messenger.send(records)
        messenger.send(records)
        self.make(tmp_path).send(records)

        self.assert_held(records, tmp_path)

    def test_a_refused_record_is_named_and_the_others_go_without_it(self, tmp_path: Path) -> None:
        messenger = self.make(tmp_path)
        records = [*self.records_for(messenger), *self.odd_records_for(messenger)]

        refused = refused_of(messenger, records)
        if refused:
            messenger.send([record for record in records if record.key not in refused])

        assert refused <= {record.key for record in self.odd_records_for(messenger)}
        self.assert_held([record for record in records if record.key not in refused], tmp_path)

    def test_a_recipient_that_is_down_is_a_delivery_error(self, tmp_path: Path) -> None:
        messenger = self.make_broken(tmp_path)
        if messenger is None:
            return  # It has no recipient that could be down.

        with pytest.raises(DeliveryError, match=r"\w"):
            messenger.send(self.records_for(messenger))

    def test_examining_it_sends_nothing_and_finds_nothing_wrong_where_all_is_well(self, tmp_path: Path) -> None:
        found = list(self.make(tmp_path).examine())

        assert [finding for finding in found if finding.wrong] == []
        assert not self.received(tmp_path)

    def test_what_it_finds_wrong_of_a_recipient_that_is_down_says_why_it_matters_and_what_to_do(self, tmp_path: Path) -> None:
        messenger = self.make_broken(tmp_path)
        if messenger is None or type(messenger).examine is Messenger.examine:
            return  # It has nothing to say.

        found = [finding for finding in messenger.examine() if finding.wrong]

        assert found
        assert [finding for finding in found if not (finding.why and finding.do)] == []

    def test_from_conf_builds_from_the_declared_options(self, tmp_path: Path) -> None:
        messenger_class = type(self.make(tmp_path))
        conf = cfg.ConfigOpts()
        conf.register_group(cfg.OptGroup("mine"))
        conf.register_opts(messenger_class.options, group="mine")
        conf(args=[], default_config_files=[], default_config_dirs=[])
        for name, value in self.settings.items():
            conf.set_override(name, value, group="mine")

        assert isinstance(messenger_class.from_conf(conf.mine), messenger_class)

    def test_every_option_says_what_it_is_for(self, tmp_path: Path) -> None:
        options = type(self.make(tmp_path)).options

        assert [option.name for option in options if not option.help] == []

    def test_importing_it_registers_nothing(self, tmp_path: Path) -> None:
        module = type(self.make(tmp_path)).__module__

        subprocess.run([sys.executable, "-c", IMPORTS_ONLY, module], check=True)  # noqa: S603

    def records_for(self, messenger: Messenger) -> list[Record]:
        """Plain records of every kind that it takes by default, oldest first."""
        january = datetime(2024, 1, 31, 23, 59, 59, tzinfo=UTC)
        created = datetime(2024, 1, 1, tzinfo=UTC)
        records: list[Record] = [
            a_cloud_record(vm_uuid="old", start=created, measured_at=january),
            an_accelerator_record(vm_uuid="old", measured_at=january),
            an_ip_record(measured_at=january),
            a_storage_record(measured_at=january),
            an_energy_record(slot=date(2024, 1, 31)),
            an_energy_record(),
            a_cloud_record(vm_uuid="old", start=created, status=Status.COMPLETED),
            a_cloud_record(vm_uuid="new"),
            an_accelerator_record(vm_uuid="new"),
            an_ip_record(),
            an_ip_record(ip_version=6, ip_count=0),
            a_storage_record(),
            a_storage_record(sequence=2, size_bytes=0),
            *self.extra_records,
        ]
        return [record for record in records if _takes(messenger, record)]

    def odd_records_for(self, messenger: Messenger) -> list[Record]:
        """Records that some recipients cannot take, or only after some change."""
        odd = "%%\nVMUUID: forged\x0b\u2028名前 \udc80\U0001f600" + 300 * "x"
        records: list[Record] = [
            a_cloud_record(vm_uuid="odd", machine_name=odd, user_name="null", vo=odd, image_id=odd),
            a_cloud_record(vm_uuid=odd),
            an_accelerator_record(vm_uuid="odd", model=odd),
            an_accelerator_record(vm_uuid="odd", user_name=odd),
            an_ip_record(project_id="odd", vo=odd, cloud_type=odd),
            an_ip_record(project_id=odd),
            an_ip_record(project_id="null"),
            a_storage_record(volume_id="odd", user_name=odd, vo=f"/{odd}", volume_type=odd, service_name=odd),
            a_storage_record(volume_id=odd),
            an_energy_record(vm_uuid="odd", user_name=odd, vo=odd, service_name=odd, cloud_type=odd),
            an_energy_record(vm_uuid="idle", energy_wh=0.0, wall_seconds=0),
            an_energy_record(vm_uuid="garbled", energy_wh=float("nan")),
            an_energy_record(vm_uuid=odd),
        ]
        return [record for record in records if _takes(messenger, record)]

    def assert_held(self, records: list[Record], tmp_path: Path) -> None:
        received = self.received(tmp_path)
        if received is not None:
            assert set(received) == {record.key for record in records}


def refused_of(messenger: Messenger, records: list[Record]) -> set[str]:
    """The keys that it will never take; empty where it took all."""
    try:
        messenger.send(records)
    except RejectedError as exc:
        return set(exc.reasons)
    return set()


def _takes(messenger: Messenger, record: Record) -> bool:
    return messenger.record_types is None or record.kind in messenger.record_types
