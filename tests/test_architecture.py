"""Who may import whom, read from the source, and what an import may do, seen by an audit hook.

The layers, highest first; a module imports only what stands below its own layer, or in its own package.
"""

from __future__ import annotations

import ast
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(layer.split())
    for layer in (
        "cli",
        "attempt",
        "wiring",
        "config",
        "complaints declared",
        "almanach_options",
        "legacy options spelling",
        "collecting run watching doctor",
        "keeping metrics summary",
        "standings",
        "history lagging lastrun retiring tasks",
        "job report",
        "almanach delivery explaining extraction migrating reconciling settling",
        "differences planning projects extractors messengers api",
        "sources store wire",
        "accounting",
        "lifecycle records",
        "deadline findings lanes places plugins printing window",
        "errors",
    )
)

TESTING = "testing"
"""The public package for authors of plug-ins: imports everything but cli, attempt and wiring; nothing imports it."""

CLOSED_TO_TESTING = frozenset({"cli", "attempt", "wiring"})

EXCUSED: Mapping[tuple[str, str], str] = {}
"""Imports for type checkers only that may run up: (importer, imported) -> why."""

OPENSTACK_CLIENTS = ("cinderclient", "glanceclient", "keystoneclient", "neutronclient", "novaclient")

LIBRARIES: Mapping[str, frozenset[str]] = {
    # The library -> the parts of caso that may import it.
    "oslo_config": frozenset(
        {
            "cli",
            "wiring",
            "config",
            "declared",
            "almanach_options",
            "legacy",
            "options",
            "spelling",
            "complaints",
            "extractors",
            "messengers",
            "plugins",
            "sources.credentials",
            "testing",
        }
    ),
    "stevedore": frozenset({"plugins"}),
    "keystoneauth1": frozenset({"sources"}),
    "openstack": frozenset({"sources"}),
    "requests": frozenset({"sources", "messengers"}),
    "gnocchiclient": frozenset({"sources"}),
    "ijson": frozenset({"sources"}),
    "kombu": frozenset({"sources"}),
    "flask": frozenset({"api"}),
    "waitress": frozenset({"api"}),
    "keystonemiddleware": frozenset({"api"}),
    "sqlalchemy": frozenset({"store"}),
    "alembic": frozenset({"store"}),
    "prometheus_client": frozenset({"metrics"}),
    **dict.fromkeys(OPENSTACK_CLIENTS, frozenset[str]()),
}

NOT_IMPORTABLE = frozenset({"caso.store.migrations.env"})
"""Scripts that alembic runs, with a context that only alembic has."""


@dataclasses.dataclass(frozen=True, order=True)
class Import:
    """``importer`` imports ``imported``, both with dots; ``typing_only``: under ``if TYPE_CHECKING``."""

    importer: str
    imported: str
    typing_only: bool = False

    @property
    def parts(self) -> tuple[str, str]:
        return part_of(self.importer), part_of(self.imported)


def part_of(module: str) -> str:
    """The part of caso that a module is in: its package or module right below ``caso``; empty for ``caso`` itself.

    >>> part_of("caso.store.engine")
    'store'
    """
    return module.split(".")[1] if "." in module else ""


def modules_of(root: Path) -> dict[str, Path]:
    """Every module of the package ``caso`` below ``root``, by its dotted name."""
    found = {}
    for path in sorted((root / "caso").rglob("*.py")):
        names = path.relative_to(root).with_suffix("").parts
        found[".".join(names[:-1] if names[-1] == "__init__" else names)] = path
    return found


def imports_of(module: str, path: Path, modules: Mapping[str, Path]) -> Iterator[Import]:
    """All imports of a module, at its top, in its functions and under ``if TYPE_CHECKING``."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
        for child in node.body
        for inner in ast.walk(child)
    }
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            # "from caso import errors" imports the module caso.errors, not a name of caso.
            inside = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in modules else base for name in inside]
        else:
            continue
        for name in dict.fromkeys(names):
            yield Import(module, name, id(node) in typing_only)


def faults(root: Path, layers: Sequence[frozenset[str]] = LAYERS) -> list[str]:
    """A sentence for each module without a layer, and for each import that the house forbids."""
    modules = modules_of(root)
    height = {part: len(layers) - index for index, layer in enumerate(layers) for part in layer}
    homeless = sorted({part_of(module) for module in modules} - height.keys() - {"", TESTING})
    found = [f"caso.{part} has no layer: give it one in LAYERS" for part in homeless]
    for module, path in modules.items():
        for one in imports_of(module, path, modules):
            reason = _fault(one, height)
            if reason:
                found.append(f"{one.importer} imports {one.imported}: {reason}")
    return found


def _fault(one: Import, height: Mapping[str, int]) -> str | None:
    if one.imported.split(".")[0] != "caso":
        return _fault_with_library(one)
    importer, imported = one.parts
    if not importer:
        return "the package itself imports nothing of caso"
    if importer == imported or not imported or (one.typing_only and (one.importer, one.imported) in EXCUSED):
        return None
    if imported == TESTING:
        return "nothing imports caso.testing"
    if importer == TESTING:
        return "caso.testing stands below it" if imported in CLOSED_TO_TESTING else None
    if importer not in height or imported not in height:
        return None  # told already: it has no layer
    if height[imported] == height[importer]:
        return "they are siblings"
    return "the arrow runs up" if height[imported] > height[importer] else None


def _fault_with_library(one: Import) -> str | None:
    library = one.imported.split(".")[0]
    allowed = LIBRARIES.get(library)
    if allowed is None or any(f"{one.importer}.".startswith(f"caso.{place}.") for place in allowed):
        return None
    where = ", ".join(f"caso.{part}" for part in sorted(allowed))
    return f"{library} belongs to {where}" if where else f"{library} is not used; caso speaks HTTP through keystoneauth"


WATCH = """
import importlib, json, os, sys

deeds, current = [], [""]
FORBIDDEN = ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.fork",
             "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "sqlite3.connect")
# urllib3 looks whether this machine has IPv6: a port of no number on the loopback, closed at once; nothing is sent.
PROBE = ("socket.bind", ("::1", 0))
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC

def watch(event, args):
    if event == "open":
        path, mode, flags = args
        if path == os.devnull or not (flags or 0) & WRITING:
            return
    elif event not in FORBIDDEN or (event, args[-1]) == PROBE:
        return
    deeds.append(f"{current[0]}: {event} {args[:2]!r}")

sys.path.insert(0, sys.argv[1])
sys.addaudithook(watch)
for name in sys.argv[2:]:
    current[0] = name
    importlib.import_module(name)
if "oslo_config.cfg" in sys.modules:
    cfg = sys.modules["oslo_config.cfg"]
    registered = sorted({*cfg.CONF} - {*cfg.ConfigOpts()})
    if registered:
        deeds.append(f"options are registered: {registered}")
print(json.dumps(deeds))
"""


def deeds_of_import(root: Path) -> list[str]:
    """What importing every module below ``root``, in a new interpreter, does to files, network and global options."""
    names = sorted(modules_of(root).keys() - NOT_IMPORTABLE)
    done = subprocess.run(
        [sys.executable, "-B", "-c", WATCH, str(root), *names],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    deeds: list[str] = json.loads(done.stdout.splitlines()[-1])
    return deeds


def test_no_module_of_caso_imports_what_it_must_not():
    found = faults(ROOT)

    assert not found, "\n".join(found)


def test_importing_caso_does_nothing():
    deeds = deeds_of_import(ROOT)

    assert not deeds, "\n".join(deeds)


def test_every_excuse_is_still_needed():
    modules = modules_of(ROOT)
    made = {(i.importer, i.imported) for module, path in modules.items() for i in imports_of(module, path, modules)}

    assert set(EXCUSED) <= made


# The checker itself, on small houses built to be wrong.


def house(root: Path, files: Mapping[str, str]) -> Path:
    """A tree with these files below ``caso/``; every package gets its ``__init__.py``."""
    for name, text in {"__init__.py": "", **files}.items():
        path = root / "caso" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("window.py", "import caso.run", "caso.window imports caso.run: the arrow runs up"),
        ("window.py", "from caso import run", "caso.window imports caso.run: the arrow runs up"),
        ("window.py", "from . import run", "caso.window imports caso.run: the arrow runs up"),
        ("wire/apel.py", "from ..run import main", "caso.wire.apel imports caso.run: the arrow runs up"),
        ("window.py", "def late():\n    from caso.run import main", "caso.window imports caso.run: the arrow runs up"),
        (
            "window.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from caso.run import main",
            "caso.window imports caso.run: the arrow runs up",
        ),
        ("extractors/a.py", "from caso.messengers import b", "caso.extractors.a imports caso.messengers: they are siblings"),
        ("sources/a.py", "from caso.store import b", "caso.sources.a imports caso.store: they are siblings"),
        ("run.py", "import caso.testing", "caso.run imports caso.testing: nothing imports caso.testing"),
        ("testing/a.py", "import caso.cli", "caso.testing.a imports caso.cli: caso.testing stands below it"),
        ("__init__.py", "import caso.errors", "caso imports caso.errors: the package itself imports nothing of caso"),
        (
            "accounting/a.py",
            "from sqlalchemy import select",
            "caso.accounting.a imports sqlalchemy: sqlalchemy belongs to caso.store",
        ),
        ("run.py", "import oslo_config.cfg", None),
        ("sources/a.py", "import novaclient.client", None),
        ("attic.py", "", "caso.attic has no layer: give it one in LAYERS"),
    ],
)
def test_checker_finds(tmp_path, name, text, reason):
    root = house(tmp_path, {"run.py": "main = None", "store/__init__.py": "", "messengers/__init__.py": "", name: text})

    found = faults(root)

    assert len(found) == 1
    assert reason is None or found == [reason]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.py", "from caso import errors\nfrom caso.window import Window\nimport json"),
        ("store/a.py", "from caso.store.b import c\nfrom .b import d\nimport sqlalchemy.orm"),
        ("store/a.py", "from caso.accounting import rules"),
        ("messengers/a.py", "import requests\nfrom oslo_config import cfg"),
        ("testing/a.py", "import caso.run, caso.config"),
    ],
)
def test_checker_is_content_with(tmp_path, name, text):
    root = house(
        tmp_path, {"errors.py": "", "window.py": "", "run.py": "", "config.py": "", "accounting/rules.py": "", name: text}
    )

    assert faults(root) == []


@pytest.mark.parametrize(
    ("text", "deed"),
    [
        ("open('left.txt', 'w').close()", "open"),
        ("import pathlib; pathlib.Path('made').mkdir()", "os.mkdir"),
        ("import socket; socket.socket().connect_ex(('127.0.0.1', 9))", "socket.connect"),
        ("import socket; socket.socket().bind(('127.0.0.1', 0))", "socket.bind"),
        ("import sqlite3; sqlite3.connect(':memory:')", "sqlite3.connect"),
        ("import subprocess; subprocess.run(['true'])", "subprocess.Popen"),
        ("from oslo_config import cfg; cfg.CONF.register_opt(cfg.StrOpt('mine'))", "options are registered: ['mine']"),
    ],
)
def test_watcher_sees(tmp_path, text, deed):
    root = house(tmp_path, {"window.py": text})

    deeds = deeds_of_import(root)

    assert any(deed in one for one in deeds), deeds


def test_watcher_allows_reading(tmp_path):
    root = house(tmp_path, {"window.py": f"import json\nopen({os.devnull!r}, 'w').close()\nopen(__file__).close()"})

    assert deeds_of_import(root) == []
