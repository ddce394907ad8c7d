"""A run whose service is silent ends: at its deadline, or when a signal tells it to."""

import signal
import time

import pytest

from tests.cloud import T2, Cloud
from tests.functional.an_hour_later import (
    Done,
    done_at_t1,
    each_on_a_project_of_its_own,
    is_as_if_nothing_had_been,
    site,
    unharmed_is_delivered,
)
from tests.functional.driver import Site, differences
from tests.functional.faulty import (
    configure,
    copied,
    errors,
    failed,
    process,
)

__all__ = ["done_at_t1", "site"]


def test_the_deadline_ends_a_run_whose_service_is_silent_with_everything_else_delivered(site: Site, done_at_t1: Done):
    seconds = int(done_at_t1.seconds) + 5
    configure(site, "DEFAULT", deadline=seconds)
    configure(site, "keystone_auth", timeout=3600)
    silent = each_on_a_project_of_its_own(site.cloud, silent=True)["nova"]
    site.cloud.faults.add(silent)
    began = time.monotonic()

    report = site.run(T2)

    assert time.monotonic() - began < seconds + 10
    assert (report.exit_status, failed(report)) == (1, {("nova", "project-1")})
    assert "deadline" in errors(report)["nova project-1"]
    unharmed_is_delivered(site)

    site.cloud.faults.clear()

    assert site.run(T2).exit_status == 0
    assert is_as_if_nothing_had_been(site)


@pytest.fixture(scope="module")
def undisturbed(done_at_t1: Done, running_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site after a run as a process, which looks at the clock itself: what it finds is not what the truth expects at T2."""
    running_cloud.reset()
    running_cloud.advance(T2)
    site = copied(done_at_t1.site, tmp_path_factory.mktemp("undisturbed"))
    assert process(site, UNTIL).wait(timeout=60) == 0
    site.recipient.drain(site.queue)
    return site


UNTIL = f"--extract-to={T2:%Y-%m-%dT%H:%M:%S}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_a_run_whose_service_is_silent_within_two_seconds(undisturbed: Site, site: Site, number: signal.Signals):
    silent = each_on_a_project_of_its_own(site.cloud, silent=True)["nova"]
    site.cloud.faults.add(silent)
    running = process(site, UNTIL)
    while not site.cloud.faults.suffered(silent):
        assert running.poll() is None
        time.sleep(0.05)

    running.send_signal(number)
    began = time.monotonic()
    _, said = running.communicate(timeout=30)

    assert time.monotonic() - began < 2
    assert running.returncode == 1
    assert said.splitlines()[-1] == "caso-extract: interrupted; what was seen is kept, and the next run goes on from there"

    site.cloud.faults.clear()

    assert process(site, UNTIL).wait(timeout=60) == 0
    site.recipient.drain(site.queue)
    assert differences(site.recipient.rows, undisturbed.recipient.rows) == []
