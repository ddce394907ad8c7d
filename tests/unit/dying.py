"""A run that is killed at its n-th step, in a process of its own."""

import os
import signal
from pathlib import Path

from caso.messengers.ssm import SsmMessenger
from tests.unit.cloudlet import T2, Cloudlet

EVERYTHING = ("nova", "cinder", "neutron")


class Reaper:
    """Counts the steps of the run, and of its messenger, and kills the process at the one that was chosen."""

    def __init__(self, chosen: int) -> None:
        self._left = chosen

    def step(self, name: str, count: int) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Mortal(SsmMessenger):
    """May die when the recipient holds the records and nobody has noted it yet."""

    reaper: Reaper

    def send(self, records) -> None:  # type: ignore[no-untyped-def]
        super().send(records)
        self.reaper.step("sent", len(records))


def die_at(folder: Path, step: int, connection: str | None = None) -> int:
    """Run caso on a Cloudlet's folder in a child that is killed at that step; the signal, 0 where there are fewer steps."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return -os.waitstatus_to_exitcode(status)
    try:
        cloudlet, reaper = Cloudlet(folder, extractors=EVERYTHING, connection=connection), Reaper(step)
        messenger = Mortal(cloudlet.queue, max_size=2)
        messenger.reaper = reaper
        cloudlet.run(T2, reaper, outlets=[cloudlet.outlet(messenger)])
    except BaseException:  # noqa: BLE001 - the child must never go on with the parent's tests
        os._exit(1)
    os._exit(0)
