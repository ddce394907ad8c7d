"""The plug-in that names what was skipped, and forbids it, run by a real pytest on a small project."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.noskip import FORBIDDEN, install_line, read_packages

ROOT = Path(__file__).parent.parent

TESTS = {
    "test_skip": "import pytest\n\ndef test_one():\n    pytest.skip('no time')\n",
    "test_module": "import pytest\n\npytest.skip('no module', allow_module_level=True)\n",
    "test_xfail": "import pytest\n\n@pytest.mark.xfail\ndef test_one():\n    assert False\n",
    "test_debian": "import pytest\n\n@pytest.mark.debian('nothing-like-it')\ndef test_one():\n    pass\n",
    "test_unlisted": "import pytest\n\n@pytest.mark.debian('unlisted')\ndef test_one():\n    pass\n",
}
CONFTEST = """
import pathlib
import tests.noskip

tests.noskip.PACKAGES = pathlib.Path(__file__).with_name("packages")
pytest_plugins = ["tests.noskip"]
"""


def run_pytest(folder: Path, name: str, *, forbidden: bool) -> tuple[int, str]:
    """Exit status and output of a pytest that runs one of TESTS."""
    (folder / f"{name}.py").write_text(TESTS[name])
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "packages").write_text("nothing-like-it  no-such-program  # never installed\n")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = debian\n")
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-p", "no:cacheprovider", "-ra", f"{name}.py"],
        cwd=folder,
        env={
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "CASO_TEST_NO_SKIP": "1" if forbidden else "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["test_skip", "test_debian"])
def test_a_skip_passes_unless_it_is_forbidden(tmp_path, name):
    assert run_pytest(tmp_path, name, forbidden=False)[0] == pytest.ExitCode.OK

    status, output = run_pytest(tmp_path, name, forbidden=True)

    assert status == pytest.ExitCode.TESTS_FAILED
    assert FORBIDDEN in output


def test_a_skipped_module_fails_where_skipping_is_forbidden(tmp_path):
    status, output = run_pytest(tmp_path, "test_module", forbidden=True)

    assert status == pytest.ExitCode.INTERRUPTED
    assert FORBIDDEN + "no module" in output


def test_an_expected_failure_is_no_skip(tmp_path):
    assert run_pytest(tmp_path, "test_xfail", forbidden=True)[0] == pytest.ExitCode.OK


@pytest.mark.parametrize("forbidden", [False, True])
def test_what_was_left_out_is_named_with_the_line_that_brings_it(tmp_path, forbidden):
    _, output = run_pytest(tmp_path, "test_debian", forbidden=forbidden)

    assert install_line(["nothing-like-it"]) in output.splitlines()


def test_a_package_that_ci_would_not_install_is_refused(tmp_path):
    status, output = run_pytest(tmp_path, "test_unlisted", forbidden=False)

    assert status == pytest.ExitCode.USAGE_ERROR
    assert "list it in" in output


def test_the_list_of_packages_can_be_read():
    packages = read_packages((ROOT / ".ci" / "debian-packages").read_text(encoding="utf-8"))

    assert all(package.program for package in packages.values())
