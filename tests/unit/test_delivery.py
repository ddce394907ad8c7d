"""What reaches each messenger, and what becomes of what it does not take."""

import pytest

from caso.delivery import Outlet
from caso.errors import DeliveryError, RejectedError
from caso.messengers.noop import NoopMessenger
from caso.store import State
from caso.store.standing import EVERYTHING
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


@pytest.mark.parametrize("fault", [KeyError("oops"), SystemExit(3)])
def test_a_fault_in_somebodys_plug_in_is_a_failed_delivery(cloudlet, fault):
    def bug(records):
        raise fault

    healthy = Recorder()
    report = cloudlet.run(T1, outlets=[Outlet("buggy", Recorder(bug)), Outlet("healthy", healthy)])

    assert report.exit_status == 1
    assert type(fault).__name__ in str(report.deliveries[0].error)
    assert healthy.keys


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
        (aside,) = store.ledger.inspection.entries(EVERYTHING, ["picky"], [State.SET_ASIDE])
        assert (aside.line.key, aside.standings["picky"].reason) == (bad, "no such site")


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


def test_a_messenger_that_one_run_leaves_out_is_due_what_it_was_due(cloudlet):
    def down(records):
        raise DeliveryError("connection refused")

    quiet = Recorder(down)
    both = [Outlet("loud", Recorder()), Outlet("quiet", quiet, replay=False)]
    due = cloudlet.run(T1, outlets=both).deliveries[1].tally.due
    cloudlet.run(T1, outlets=both[:1], some_outlets=True)
    quiet.trouble = None

    cloudlet.run(T1, outlets=both)

    assert due == len(quiet.keys) > 0


def test_what_is_due_to_a_messenger_that_one_run_leaves_out_keeps_the_files_of_caso_5(cloudlet, tmp_path):
    def down(records):
        raise DeliveryError("connection refused")

    both = [Outlet("loud", Recorder()), Outlet("quiet", Recorder(down))]
    cloudlet.run(T1, outlets=both, lastrun_dir=tmp_path)
    cloudlet.run(T1, outlets=both[:1], some_outlets=True, lastrun_dir=tmp_path)

    assert list(tmp_path.glob("lastrun.*")) == []
