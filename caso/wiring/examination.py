"""The parts of a site as caso-doctor examines them, each built when its turn comes: one that cannot be is a finding."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from pathlib import Path

from oslo_config import cfg

from caso import config, declared, spelling, wiring
from caso.doctor import Door, Keys, Patient, Settings
from caso.doctor.configuration import FOR_ONE_RUN
from caso.extractors.flavors import AcceleratorKeys, BenchmarkKeys
from caso.sources import Sources
from caso.sources.credentials import access_from_conf
from caso.sources.manners import Manners
from caso.sources.traffic import Traffic

SECRETS = ("password", "secret", "passcode", "token")
"""Parts of the names of options whose values let somebody in."""
A_LOGIN = re.compile(r"://[^/\s]*@")
A_SECRET = re.compile(rf"^[^#\n]*?\w*({'|'.join(SECRETS)})[\"']?\s*:\s*\S", re.MULTILINE)


def patient(conf: config.Configuration, now: datetime) -> Patient:
    """All that is examined; nothing is asked or opened yet."""
    traffic = Traffic()
    return Patient(
        settings=_settings(conf),
        now=now,
        door=lambda: _door(conf, traffic),
        projects=lambda sources: wiring.projects(conf, sources),
        mapping=lambda: wiring.vo_mapping(conf),
        extractors=lambda sources: {name: wiring.extractor(conf, name, sources) for name in conf.extractor},
        asked_besides={"image": "nova"} if "nova" in conf.extractor and conf.nova.image_id_property else {},
        keys=_keys(conf),
        clocks=traffic.clocks,
        spool=Path(conf.spooldir),
        connection=lambda: wiring.connection(conf),
        opened=lambda: wiring.open_existing_store(conf, to_read=True),
        messengers={name: partial(lambda name: wiring.outlet(conf, name).messenger, name) for name in conf.messengers},
    )


def _settings(conf: config.Configuration) -> Settings:
    files = spelling.read_files(conf)
    standing = [option for option in FOR_ONE_RUN if conf[option] and not conf.typed(option)]
    return Settings(
        files=tuple(file.path for file in files),
        unknown=tuple(declared.unknown_options(conf)),
        remarks=tuple(conf.remarks),
        standing=tuple(standing),
        site_name=conf.site_name or "",
        messengers=tuple(conf.messengers),
        suspended_states=tuple(conf.accounting.suspended_states),
        deadline=conf.deadline,
        secret_files=tuple(Path(file.path) for file in files if _has_a_secret(file)),
    )


def _has_a_secret(file: spelling.ConfigFile) -> bool:
    told = [(name, values) for options in file.sections.values() for name, values in options.items() if any(values)]
    if any(part in name for name, _ in told for part in (*SECRETS, "private_key")):
        return True
    # A URL with a login, of the store or of a message broker; a list of them may go over several lines.
    return any(A_LOGIN.search(value) for _, values in told for value in values)


def _door(conf: cfg.ConfigOpts, traffic: Traffic) -> Door:
    access = access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface, manners=Manners(traffic))
    regions = conf.region_name or ([access.region] if access.region else [])
    secret_files = tuple(filter(_tells_a_secret, access.files))
    return Door(Sources(access), access.auth_url, access.verified, access.interface, access.cloud, tuple(regions), secret_files)


def _tells_a_secret(path: Path) -> bool:
    """Whether a file of YAML or JSON has a member whose value lets somebody in."""
    try:
        return A_SECRET.search(path.read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return False


def _keys(conf: cfg.ConfigOpts) -> Keys | None:
    """The flavor properties that an extractor of this configuration reads; None where none does."""
    if "benchmark" not in conf or "accelerator" not in conf:
        return None
    return Keys(BenchmarkKeys.from_conf(conf.benchmark), AcceleratorKeys.from_conf(conf.accelerator))
