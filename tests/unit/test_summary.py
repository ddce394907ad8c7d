"""A run in one line."""

import dataclasses
import json

from caso.errors import DeliveryError
from caso.report import Report
from caso.summary import line_of, members_of
from caso.testing.servers import FakeCompute
from tests.unit.cloudlet import T1, T2, Cloudlet, Recorder, servers


def test_it_says_when_what_and_how_it_ended(tmp_path):
    cloudlet = Cloudlet(tmp_path)
    cloudlet.run(T1)

    summary = members_of(cloudlet.run(T2))

    assert (summary["began"][:19], summary["exit_status"], summary["dry_run"]) == ("2024-03-10T12:00:00", 0, False)
    assert summary["scopes"] == {"done": 2, "failed": 0, "locked": 0}
    assert summary["records"]["cloud"] == {"new": 1, "changed": 5, "retracted": 0}
    assert summary["messengers"] == {"ssm": {"sent": 7, "refused": 0, "due": 0, "set_aside": 0, "error": None}}
    assert summary["errors"] == {}


def test_what_failed_is_told_by_its_class(tmp_path):
    def trouble(records):
        raise DeliveryError("it is down")

    cloudlet = Cloudlet(tmp_path)
    broken = FakeCompute(servers(T1), fail_on_page=1)

    summary = members_of(cloudlet.run(T1, compute=broken, outlets=[cloudlet.outlet(Recorder(trouble))]))

    assert summary["exit_status"] == 1
    assert summary["scopes"]["failed"] == 1
    assert summary["errors"] == {"DeliveryError": 1, "SourceError": 1}
    assert summary["messengers"]["ssm"]["error"] == "DeliveryError"


def test_it_is_one_line_of_ascii_whatever_a_messenger_is_called(tmp_path):
    cloudlet = Cloudlet(tmp_path)
    outlet = dataclasses.replace(cloudlet.outlet(), name="a\nb\u2028\x1b[31m")

    line = line_of(cloudlet.run(T1, outlets=[outlet]))

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["exit_status"] == 0


def test_a_run_that_did_nothing_has_the_same_members(tmp_path):
    assert members_of(Report()).keys() == members_of(Cloudlet(tmp_path).run(T1)).keys()
