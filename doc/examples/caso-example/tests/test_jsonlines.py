"""The messenger keeps the contract, and outlives a crash in the middle of a line."""

import json
from typing import ClassVar

from caso_example.jsonlines import JsonLinesMessenger

from caso.testing.messenger_contract import MessengerContract
from caso.testing.records import a_cloud_record


class TestJsonLines(MessengerContract):
    settings: ClassVar = {"path": "/var/spool/caso/records.jsonl"}

    def make(self, tmp_path):
        return JsonLinesMessenger(tmp_path / "records.jsonl")

    def make_broken(self, tmp_path):
        return JsonLinesMessenger(tmp_path)

    def received(self, tmp_path):
        path = tmp_path / "records.jsonl"
        return [json.loads(line)["key"] for line in path.read_text().splitlines()] if path.exists() else []


def test_half_a_line_from_a_crash_spoils_no_other(tmp_path):
    path = tmp_path / "records.jsonl"
    path.write_text('{"kind": "clo')

    JsonLinesMessenger(path).send([a_cloud_record()])

    assert json.loads(path.read_text().splitlines()[-1])["key"] == a_cloud_record().key
