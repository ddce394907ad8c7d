"""Every messenger of caso keeps the messengers' contract."""

from importlib.metadata import entry_points

from caso.messengers.noop import NoopMessenger
from caso.messengers.ssm import SsmMessenger
from caso.records import AcceleratorRecord, CloudRecord
from caso.testing.messenger_contract import MessengerContract
from caso.testing.recipient import Recipient
from caso.window import Month


class TestNoop(MessengerContract):
    def make(self, tmp_path):
        return NoopMessenger()


class TestSsm(MessengerContract):
    def make(self, tmp_path):
        return SsmMessenger(tmp_path / "cloud", output_paths={"accelerator": tmp_path / "accelerator"}, max_size=2)

    def make_broken(self, tmp_path):
        (tmp_path / "file").write_text("in the way")
        return SsmMessenger(tmp_path / "file")

    def received(self, tmp_path):
        recipient = Recipient()
        for queue in (tmp_path / "cloud", tmp_path / "accelerator"):
            recipient.drain(queue)
        assert recipient.refused == []
        return [CloudRecord.key_of(server, Month(year, month)) for server, month, year in recipient.rows["cloud"]] + [
            AcceleratorRecord.key_of(server, Month(year, month), model)
            for month, year, _, server, _, model in recipient.rows["accelerator"]
        ]


def test_every_messenger_that_caso_registers_has_its_contract_run():
    registered = {entry.load() for entry in entry_points(group="caso.messenger") if entry.dist and entry.dist.name == "caso"}

    assert registered == {NoopMessenger, SsmMessenger}
