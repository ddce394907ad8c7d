"""A month of one server by Nova, by Ceilometer, and by both: what caso sent of it, day by day, as a plot.

python -m tests.bench.month_of_a_server FOLDER      needs PostgreSQL; writes month.json and month.png
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.databases.postgresql import PostgreSQL
from tests.functional.metered_site import MeteredSite
from tests.meters import Gnocchi, Metered, MeteredServer, ceilometer
from tests.meters.seed import BEGIN, DAY, MONTH, PROJECTS, metered_server

END = datetime(2026, 10, 29, tzinfo=UTC)
"""Gnocchi keeps thirty days, from the last measure back."""
WAYS = {"nova": ("nova",), "ceilometer": ("ceilometer",), "nova,ceilometer": ("nova", "ceilometer")}
EVERY_DAYS = 4


def month() -> Metered:
    """One server, with a reboot, and some hours in which nobody read its counters."""
    gap = (MONTH + 20 * DAY, MONTH + 20.2 * DAY)
    server = metered_server("month", PROJECTS[0].id, MONTH + DAY / 2, resets=(700,), gap=gap, every=1800, last=END)
    return Metered(BEGIN, END, PROJECTS, (server,))


def measure(folder: Path) -> dict[str, list[tuple[str, int, int]]]:
    """For each way, (time, wall seconds, CPU seconds) of the record as it was sent at that time; and the truth."""
    cloud = month()
    (server,) = cloud.servers
    times = [MONTH + days * DAY for days in range(EVERY_DAYS, 29, EVERY_DAYS)]
    (folder / "gnocchi").mkdir()
    with contextlib.ExitStack() as stack:
        postgresql = PostgreSQL()
        stack.callback(postgresql.stop)
        gnocchi = stack.enter_context(Gnocchi.start(folder / "gnocchi", stack.enter_context(postgresql.database())))
        ceilometer.prepare(gnocchi)
        ceilometer.publish(gnocchi, cloud)
        sent = {}
        for name, extractors in WAYS.items():
            (folder / name).mkdir()
            site = MeteredSite(folder / name, gnocchi, cloud, extractors)
            sent[name] = [_sent(site, server, at) for at in times]
    used = [(at.isoformat(), server.wall_seconds(MONTH, at), round(server.cpu_seconds(server.created, at))) for at in times]
    return {"what it used": used, **sent}


def _sent(site: MeteredSite, server: MeteredServer, at: datetime) -> tuple[str, int, int]:
    report = site.run(at)
    if errors := [scope.error for scope in report.scopes if scope.error]:
        raise SystemExit(f"{site.extractors} at {at}: {errors}")
    record = site.cloud(server, "2026-10")
    return at.isoformat(), record.wall_seconds, record.cpu_seconds


def draw(told: dict[str, list[tuple[str, int, int]]], file: Path) -> None:
    import matplotlib as mpl  # only who draws has it

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panel = plt.subplots(figsize=(7, 3.6), layout="constrained")
    styles = {"nova": "o-", "ceilometer": "s-", "nova,ceilometer": "x--", "what it used": "k:"}
    for name, points in told.items():
        days = [datetime.fromisoformat(at).day for at, _, _ in points]
        panel.plot(days, [cpu / 3600 for _, _, cpu in points], styles[name], label=name, markersize=4)
    panel.set(xlabel="day of October 2026", ylabel="CpuDuration of its record, hours")
    panel.set_ylim(bottom=0)
    panel.grid(alpha=0.3)
    panel.legend(fontsize="small")
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    if "--draw-only" not in sys.argv:
        with tempfile.TemporaryDirectory() as work:
            (target / "month.json").write_text(json.dumps(measure(Path(work)), indent=1) + "\n")
    draw(json.loads((target / "month.json").read_text()), target / "month.png")
