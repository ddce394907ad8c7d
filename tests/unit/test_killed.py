"""A process that is killed between any two steps of a run loses nothing, and skips nothing."""

import shutil
import signal
from pathlib import Path

from tests.unit.cloudlet import T1, T2, Cloudlet
from tests.unit.dying import EVERYTHING, die_at

ENOUGH = 90


def test_a_kill_at_any_step_and_a_second_run_deliver_what_one_whole_run_delivers(tmp_path: Path):
    whole = Cloudlet(tmp_path / "whole", extractors=EVERYTHING)
    whole.run(T1)
    at_t1 = tmp_path / "t1"
    shutil.copytree(tmp_path / "whole", at_t1)
    assert whole.run(T2).exit_status == 0
    wanted = whole.received()
    assert all(wanted[kind] for kind in ("cloud", "accelerator", "ip", "storage"))

    kills = 0
    for step in range(1, ENOUGH):
        cloudlet = Cloudlet(tmp_path / f"killed-{step}", extractors=EVERYTHING)
        shutil.copytree(at_t1, cloudlet.folder)
        died_of = die_at(cloudlet.folder, step)
        if died_of == 0:
            break
        assert died_of == signal.SIGKILL
        kills += 1

        assert all(until in (T1, T2) for _, until in cloudlet.checkpoints())
        report = cloudlet.run(T2)

        assert report.exit_status == 0, f"killed at step {step}"
        assert cloudlet.received() == wanted, f"killed at step {step}"
        assert cloudlet.checkpoints() == whole.checkpoints()
        assert cloudlet.recipient.refused == []

    print(f"{kills} kills, nothing lost")
    assert 30 < kills < ENOUGH - 1
