"""What reaches each messenger, and what becomes of what it does not take."""

import pytest

from caso.delivery import Outlet
from caso.errors import DeliveryError, RejectedError
from caso.messengers.noop import NoopMessenger
from tests.unit.cloudlet import T1, Cloudlet, Recorder


@pytest.fixture
def cloudlet(tmp_path):
    return Cloudlet(tmp_path)


def test_one_broken_messenger_holds_back_only_itself(cloudlet):
    def down(records):
        raise DeliveryError("connection refused")

    healthy, broken = Recorder(), Recorder(down)
    report = cloudlet.run(T1, outlets=[Outlet("broken", broken), Outlet("healthy", healthy)])

    assert report.exit_status == 1
    assert healthy.keys
    assert [delivery.tally.due for delivery in report.deliveries] == [len(healthy.keys), 0]
    assert cloudlet.checkpoints() == [("p1", T1), ("p2", T1)]

    broken.trouble = None
    assert cloudlet.run(T1, outlets=[Outlet("broken", broken), Outlet("healthy", healthy)]).exit_status == 0
    assert broken.keys == healthy.keys


def test_a_fault_in_somebodys_plug_in_is_a_failed_delivery(cloudlet):
    def bug(records):
        raise KeyError("oops")

    report = cloudlet.run(T1, outlets=[Outlet("buggy", Recorder(bug))])

    assert report.exit_status == 1
    assert "KeyError" in str(report.deliveries[0].error)


def test_a_refused_record_is_set_aside_with_its_reason_and_the_others_go_out(cloudlet):
    bad = "cloud/runs/2024-03"

    def picky(records):
        if any(record.key == bad for record in records):
            raise RejectedError({bad: "no such site"})

    recorder = Recorder(picky)
    report = cloudlet.run(T1, outlets=[Outlet("picky", recorder)])

    assert (report.exit_status, report.deliveries[0].refused) == (1, 1)
    assert bad not in recorder.keys
    assert len(recorder.keys) > 3
    with cloudlet.store() as store:
        assert [(aside.key, aside.reason) for aside in store.ledger.aside("picky")] == [(bad, "no such site")]


def test_a_messenger_that_refuses_what_it_was_not_sent_does_not_hang_the_run(cloudlet):
    def confused(records):
        raise RejectedError({"cloud/who/2024-03": "what?"})

    report = cloudlet.run(T1, outlets=[Outlet("confused", Recorder(confused))])

    assert report.deliveries[0].tally.due > 0


def test_records_are_sent_oldest_first_and_only_of_the_kinds_a_messenger_takes(cloudlet):
    recorder = Recorder()
    cloudlet.run(T1, outlets=[Outlet("clouds", recorder, frozenset({"cloud"}))])

    assert all(key.startswith("cloud/") for key in recorder.keys)
    assert [key[-7:] for key in recorder.keys] == sorted(key[-7:] for key in recorder.keys)


def test_a_new_messenger_is_sent_what_is_held_unless_it_opted_out(cloudlet):
    cloudlet.run(T1, outlets=[Outlet("noop", NoopMessenger())])
    eager, modest = Recorder(), Recorder()

    cloudlet.run(T1, outlets=[Outlet("eager", eager), Outlet("modest", modest, replay=False)])

    assert eager.keys
    assert not modest.keys
