"""The figures as plots: calls, seconds and memory over the size of the fleet."""

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import ScalarFormatter

from tests.bench.figures import CASO, FIRST, FLOOR, HOUR, Figures, Run, peak_mib, seconds

Value = Callable[[list[Run]], float]

LINES = (
    ("floor of a full listing", "black", "--", {"who": FLOOR, "what": FIRST}),
    ("first run", "tab:blue", "-", {"who": CASO, "what": FIRST}),
    ("one hour, 20 % changed", "tab:red", "-", {"who": CASO, "what": HOUR, "changed_percent": 20}),
    ("one hour, 5 % changed", "tab:orange", "-", {"who": CASO, "what": HOUR, "changed_percent": 5}),
    ("one hour, 1 % changed", "tab:green", "-", {"who": CASO, "what": HOUR, "changed_percent": 1}),
)


def draw(figures: Figures, folder: Path) -> list[Path]:
    """``calls.png``, ``seconds.png`` and ``memory.png`` in ``folder``."""
    plots: tuple[tuple[str, str, str, Value], ...] = (
        (
            "calls",
            "calls, questions about changes among them",
            "log",
            lambda runs: runs[-1].cost.all_calls + runs[-1].cost.about_changes,
        ),
        ("seconds", "seconds", "log", seconds),
        ("memory", "peak memory, MiB", "linear", peak_mib),
    )
    return [_draw(figures, folder / f"{name}.png", label, scale, value) for name, label, scale, value in plots]


def _draw(figures: Figures, file: Path, label: str, scale: str, value: Value) -> Path:
    """One panel for each role."""
    roles = figures.roles()
    figure, panels = plt.subplots(
        1, len(roles), figsize=(3.6 * len(roles) + 0.6, 3.2), sharey=True, squeeze=False, layout="constrained"
    )
    for panel, role in zip(panels[0], roles, strict=True):
        _panel(panel, figures, role, value)
        panel.set(title=role, xlabel="living servers", xscale="log", yscale=scale)
        panel.set_xticks(figures.sizes(), [f"{size:,}" for size in figures.sizes()], minor=False)
        panel.xaxis.minorticks_off()
        panel.yaxis.set_major_formatter(ScalarFormatter())
        panel.yaxis.set_minor_formatter(ScalarFormatter())
        panel.tick_params(labelsize="small", which="both")
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel(label)
    if scale == "linear":
        panels[0][0].set_ylim(bottom=0)
    panels[0][0].legend(fontsize="x-small")
    figure.savefig(file, dpi=100)
    plt.close(figure)
    return file


def _panel(panel: Axes, figures: Figures, role: str, value: Value) -> None:
    for label, color, style, wanted in LINES:
        by_size = {size: figures.of(**wanted, role=role, size=size) for size in figures.sizes()}
        points = [(size, value(runs)) for size, runs in by_size.items() if runs]
        if points:
            panel.plot(*zip(*points, strict=True), style, color=color, marker="o", markersize=4, label=label)
