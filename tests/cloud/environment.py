"""The virtual environments of the services, from released packages with exact pins."""

import os
import platform
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from tests.cloud.cache import cached, digest

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class BuildError(RuntimeError):
    """A command which prepares the cloud failed; the text ends with what it printed."""


def run(*command: str | Path, cwd: Path | None = None, **environ: str) -> str:
    """Standard output of a command; BuildError with the tail of its output when it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise BuildError(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{tail}")
    return done.stdout


def service_venv(name: str = "venv", requirements: Path = REQUIREMENTS) -> Path:
    """Path of the virtual environment; made at the first call (15 s with uv, 2 min with pip)."""
    key = digest([requirements], platform.python_version(), sys.base_prefix, platform.machine())
    return cached(name, key, lambda folder: _build(folder, requirements), in_place=True)


def _build(folder: Path, requirements: Path) -> None:
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    if not _install_with_uv(folder, python, requirements):
        run(python, "-m", "pip", "install", "--quiet", "--no-deps", "-r", requirements)
    # Services start twice as fast when nothing has to be compiled.
    run(python, "-m", "compileall", "-q", "-j", "0", _site_packages(folder))


def _install_with_uv(folder: Path, python: Path, requirements: Path) -> bool:
    """Try uv, which is ten times as fast; False when it is not to be had or did not work."""
    if _pip_has_an_index_of_its_own(python):
        return False  # uv does not read pip's configuration
    helper = folder / "uv"
    try:
        run(python, "-m", "pip", "install", "--quiet", "--target", helper, "uv")
        run(helper / "bin" / "uv", "pip", "install", "--quiet", "--no-deps",
            "--python", python, "-r", requirements)  # fmt: skip
    except BuildError as problem:
        print(f"uv did not work, going on with pip: {problem}", file=sys.stderr)
        return False
    finally:
        shutil.rmtree(helper, ignore_errors=True)
    return True


def _pip_has_an_index_of_its_own(python: Path) -> bool:
    settings = run(python, "-m", "pip", "config", "list").splitlines()
    names = {line.partition("=")[0].rpartition(".")[2] for line in settings}
    return bool(names & {"index-url", "no-index", "proxy"})


def _site_packages(folder: Path) -> Path:
    return next((folder / "lib").glob("python3.*/site-packages"))
