"""Empty databases of all services at their newest schema, and Keystone's keys; cached."""

import base64
import os
import shutil
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.cloud.cache import cached, digest
from tests.cloud.configs import DATABASES, write_configs
from tests.cloud.environment import REQUIREMENTS, run, service_venv
from tests.cloud.services import SERVICES

HERE = Path(__file__).parent
ENTRIES = HERE / "entries"
NOWHERE = dict.fromkeys(SERVICES, "http://127.0.0.1:9")


def empty_databases() -> Path:
    """A folder with ``db/*.sqlite`` and ``keys/``; made in half a minute at the first call."""
    sources = [REQUIREMENTS, HERE / "configs.py", Path(__file__), ENTRIES / "neutron_tables.py"]
    venv = service_venv()
    return cached("databases", digest(sources, sys.version), lambda work: _build(work, venv))


def copy_databases(work: Path) -> None:
    """Put an own copy of the empty databases and keys into ``work``."""
    source = empty_databases()
    for name in ("db", "keys"):
        shutil.rmtree(work / name, ignore_errors=True)
        shutil.copytree(source / name, work / name)


def _build(work: Path, venv: Path) -> None:
    (work / "db").mkdir()
    _make_keys(work / "keys")
    write_configs(work, venv, NOWHERE)
    # Nova's take longest, so they go first; two at a time.
    jobs = (_nova_cell, _keystone, _nova_api, _cinder, _glance, _neutron)
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done in [pool.submit(job, work, venv / "bin") for job in jobs]:
            done.result()
    for cell in ("nova_cell0", "nova_cell2"):
        shutil.copy(work / "db" / "nova_cell1.sqlite", work / "db" / f"{cell}.sqlite")
    for name in DATABASES:
        _make_fast(work / "db" / f"{name}.sqlite")
    for name in ("etc", "state"):
        shutil.rmtree(work / name)  # they contain paths of the temporary folder


def _make_keys(folder: Path) -> None:
    """Two keys of each kind, as ``keystone-manage fernet_setup`` would make them."""
    for kind in ("fernet", "credential"):
        (folder / kind).mkdir(parents=True, mode=0o700)
        for name in ("0", "1"):
            (folder / kind / name).write_bytes(base64.urlsafe_b64encode(os.urandom(32)))


def _make_fast(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()


def _nova_cell(work: Path, bin_: Path) -> None:
    run(bin_ / "nova-manage", *_conf(work, "nova"), "db", "sync", "--local_cell")


def _nova_api(work: Path, bin_: Path) -> None:
    run(bin_ / "nova-manage", *_conf(work, "nova"), "api_db", "sync")


def _keystone(work: Path, bin_: Path) -> None:
    run(bin_ / "keystone-manage", *_conf(work, "keystone"), "db_sync")


def _cinder(work: Path, bin_: Path) -> None:
    run(bin_ / "cinder-manage", *_conf(work, "cinder"), "db", "sync")


def _glance(work: Path, bin_: Path) -> None:
    run(bin_ / "glance-manage", *_conf(work, "glance-api"), "db", "sync")


def _neutron(work: Path, bin_: Path) -> None:
    run(bin_ / "python", ENTRIES / "neutron_tables.py", work / "db" / "neutron.sqlite")
    run(bin_ / "neutron-db-manage", *_conf(work, "neutron"), "stamp", "heads")


def _conf(work: Path, name: str) -> tuple[str, str]:
    return ("--config-file", str(work / "etc" / f"{name}.conf"))
