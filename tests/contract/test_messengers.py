"""Every messenger of caso keeps the messengers' contract."""

from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import ClassVar

import pytest

from caso.messengers.greendigit_cim import GreenDigitCimMessenger
from caso.messengers.logstash import LogstashMessenger, Tls
from caso.messengers.noop import NoopMessenger
from caso.messengers.ssm import SsmMessenger
from caso.records import AcceleratorRecord, CloudRecord, EnergyRecord, IpRecord
from caso.testing.messenger_contract import MessengerContract
from caso.testing.recipient import Recipient
from caso.window import Month
from tests.unit.messengers.cim import EMAIL, PASSWORD, CimServer
from tests.unit.messengers.receivers import HERE, Authority, Receiver


class TestNoop(MessengerContract):
    def make(self, tmp_path):
        return NoopMessenger()


class TestSsm(MessengerContract):
    def make(self, tmp_path):
        elsewhere = {kind: tmp_path / kind for kind in ("accelerator", "ip", "storage")}
        return SsmMessenger(tmp_path / "cloud", output_paths=elsewhere, max_size=2)

    def make_broken(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        return SsmMessenger(tmp_path / "file")

    def received(self, tmp_path):
        recipient = Recipient()
        for kind in recipient.rows:
            recipient.drain(tmp_path / kind)
        assert recipient.refused == []
        return [
            *(CloudRecord.key_of(server, Month(year, month)) for server, month, year in recipient.rows["cloud"]),
            *(
                AcceleratorRecord.key_of(server, Month(year, month), model)
                for month, year, _, server, _, model in recipient.rows["accelerator"]
            ),
            *(IpRecord.key_of(*named, Month(year, month)) for *named, month, year in recipient.rows["ip"]),
            *(f"storage/{record_id}" for record_id in recipient.storage()),
        ]


class TestLogstash(MessengerContract):
    tls: Tls | None = None

    @pytest.fixture(autouse=True)
    def receiver(self):
        with Receiver() as self._receiver:
            yield

    def make(self, tmp_path):
        return LogstashMessenger(HERE, self._receiver.port, self.tls, hush=0.05)

    def make_broken(self, tmp_path):
        with Receiver() as down:
            port = down.port
        return LogstashMessenger(HERE, port)

    def received(self, tmp_path):
        return [record["RecordKey"] for record in self._receiver.records]


class TestLogstashOverTls(TestLogstash):
    @pytest.fixture(autouse=True)
    def receiver(self, tmp_path: Path):
        authority = Authority(tmp_path / "authority")
        self.tls = Tls(str(authority.cafile))
        with Receiver(tls=authority.serving()) as self._receiver:
            yield


class TestGreenDigitCim(MessengerContract):
    settings: ClassVar = {"email": EMAIL, "password": PASSWORD}

    @pytest.fixture(autouse=True)
    def server(self):
        with CimServer() as self._server:
            yield

    def make(self, tmp_path):
        return GreenDigitCimMessenger(self._server.url, EMAIL, PASSWORD, batch_size=2)

    def make_broken(self, tmp_path):
        with CimServer() as down:
            url = down.url
        return GreenDigitCimMessenger(url, EMAIL, PASSWORD)

    def received(self, tmp_path):
        return [
            EnergyRecord.key_of(record["ExecUnitID"], datetime.fromisoformat(record["StartExecTime"]).date())
            for record in self._server.records
        ]


def test_every_messenger_that_caso_registers_has_its_contract_run():
    registered = {entry.load() for entry in entry_points(group="caso.messenger") if entry.dist and entry.dist.name == "caso"}

    assert registered == {GreenDigitCimMessenger, LogstashMessenger, NoopMessenger, SsmMessenger}
