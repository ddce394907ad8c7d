"""What the figures come from: the machine, its Python, the commit and the day."""

import compileall
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]


def machine() -> dict[str, str | int]:
    return {
        "processor": _after("/proc/cpuinfo", "model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int((_after("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 1024**2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _commit(),
        "date": f"{datetime.now(UTC):%F}",
    }


def compile_caso() -> None:
    """Have caso compiled, as pip leaves it; by itself Python does so nowhere where PYTHONDONTWRITEBYTECODE is set.

    Each run would then compile it anew, which takes a third as long as all that it imports.
    """
    compileall.compile_dir(ROOT / "caso", quiet=1)


def _after(file: str, name: str) -> str | None:
    """The first value of that name in a file of the kernel's."""
    lines = Path(file).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), None)


def _commit() -> str:
    """The short name of the commit, with a plus where files differ from it."""
    name = _git("rev-parse", "--short", "HEAD") or "unknown"
    return name + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
