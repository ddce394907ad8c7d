"""A pytest plug-in: what was left out is said with the way to bring it in, and may be forbidden.

A test that needs a Debian package says so with ``@pytest.mark.debian("prometheus")``. Where the
package is missing the test is skipped, and the run ends with the one line that installs
everything missing. The packages stand in ``.ci/debian-packages``, which CI installs.

With ``CASO_TEST_NO_SKIP=1`` in the environment every skip is a failure: of a test, of a module, whatever the reason.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest

PACKAGES = Path(__file__).parent.parent / ".ci" / "debian-packages"
FORBIDDEN = "skipping is forbidden here (CASO_TEST_NO_SKIP=1): "
NEEDS = re.compile(r"needs the Debian package ([a-z0-9+.-]+)")


@dataclasses.dataclass(frozen=True)
class Package:
    """A Debian package, and the program (a name or a path) whose presence shows that it is there."""

    name: str
    program: str

    @property
    def present(self) -> bool:
        return shutil.which(self.program) is not None


def read_packages(text: str) -> dict[str, Package]:
    """The packages of a list: a name and a program a line; ``#`` begins a comment.

    >>> read_packages("prometheus  promtool  # queries")
    {'prometheus': Package(name='prometheus', program='promtool')}
    """
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return {words[0]: Package(words[0], words[1]) for words in lines if words}


def install_line(names: Iterable[str]) -> str:
    """The command that installs these packages."""
    return "sudo apt-get install --no-install-recommends " + " ".join(sorted(names))


def skipping_is_forbidden() -> bool:
    return os.environ.get("CASO_TEST_NO_SKIP", "") not in {"", "0"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    packages = read_packages(PACKAGES.read_text(encoding="utf-8"))
    for item in items:
        for mark in item.iter_markers("debian"):
            (name,) = mark.args
            if name not in packages:
                raise pytest.UsageError(f"{item.nodeid} needs the Debian package {name}: list it in {PACKAGES}")
            if not packages[name].present:
                item.add_marker(pytest.mark.skip(reason=f"needs the Debian package {name}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if skipping_is_forbidden() and report.skipped and not hasattr(report, "wasxfail"):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if skipping_is_forbidden() and report.skipped:
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = FORBIDDEN + reason.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    # By what was reported: tests may have run in other processes.
    reports = [report for outcome in ("skipped", "failed", "error") for report in terminalreporter.stats.get(outcome, ())]
    missing = {found[1] for report in reports if (found := NEEDS.search(str(report.longrepr)))}
    if missing:
        terminalreporter.section("left out for want of Debian packages")
        terminalreporter.line(install_line(missing))
