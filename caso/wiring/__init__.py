"""Configuration to built parts: the only module that knows every part."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oslo_config import cfg

from caso import plugins
from caso.accounting.rules import Rules
from caso.config import Configuration
from caso.deadline import Deadline
from caso.delivery import Outlet
from caso.errors import ConfigError, SourceError
from caso.extractors.base import Extractor
from caso.job import Job
from caso.messengers.base import Messenger
from caso.planning import Period
from caso.plugins import EXTRACTORS, MESSENGERS
from caso.projects import Project, Projects, VoMapping, find_projects
from caso.records import BUILT_IN, KINDS, Record
from caso.sources import Sources
from caso.sources.compute import utc_now
from caso.sources.credentials import access_from_conf
from caso.sources.manners import Manners
from caso.sources.traffic import Traffic
from caso.store import Store, open_as_it_is, open_scratch, open_store, require_store
from caso.window import BEGINNING, parse_instant
from caso.wiring.lengths import require_kept

if TYPE_CHECKING:
    from caso.reconciling import Asked

LOG = logging.getLogger(__name__)


def job(
    conf: Configuration,
    now: datetime,
    clock: Callable[[], datetime] = utc_now,
    sleep: Callable[[float], None] = time.sleep,
) -> Job:
    """All that one run needs. Raises ConfigError before any work where a value cannot be meant.

    ``clock`` dates what is seen, ``sleep`` waits before a question is asked again.
    A cloud that does not answer is no such error: the job then has no project, says why
    in ``trouble``, and still delivers what is due.
    """
    period = period_of(conf, now)
    outlets = [outlet(conf, name) for name in conf.messengers]
    traffic = Traffic(Deadline(conf.deadline or None), conf.threads_per_service)
    access = access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface, manners=Manners(traffic, sleep))
    sources = Sources(access, clock=clock)
    extractors = _extractors(conf, sources)
    rules = _rules(conf)
    for option, names in {"cloud": [access.cloud], "extractor": extractors, "messengers": conf.messengers}.items():
        require_kept(option, names)
    return Job(
        cloud=access.cloud,
        extractors=extractors,
        outlets=outlets,
        period=period,
        keep_months=conf.store.keep_months,
        threads=conf.threads,
        traffic=traffic,
        dry_run=conf.dry_run,
        lastrun_dir=Path(conf.spooldir) if conf.write_lastrun else None,
        narrowed=_narrowed(conf, "extractor", "region_name"),
        some_outlets=_narrowed(conf, "messengers"),
        named=frozenset(conf.projects),
        **_targets(conf, sources, extractors, rules, [access.region] if access.region else []),
    )


def _targets(
    conf: Configuration, sources: Sources, extractors: Mapping[str, Extractor], rules: Rules, own_regions: Sequence[str]
) -> dict[str, Any]:
    """The projects and regions of a job, or why they cannot be told."""
    try:
        found = projects(conf, sources)
        if found.empty:
            raise SourceError(found.empty)
        offers = _offers(sources, extractors, found.found)
        regions = _regions(offers, found.found, conf.region_name or own_regions)
    except SourceError as exc:
        return {"projects": [], "rules": {}, "trouble": exc}
    return {
        "projects": [project for project in found.found if project.vo],
        "unmapped": [project for project in found.found if not project.vo],
        "missing": found.missing,
        "listed": None if _narrowed(conf, "projects", "caso_tag") or not found.whole else frozenset(p.id for p in found.found),
        "rules": dict.fromkeys(regions, rules),
        "regions_of": {
            **{name: frozenset(offers[extractor.service]) for name, extractor in extractors.items() if extractor.service},
            **{
                name: frozenset({_region_of(name, one, regions)})
                for name, one in extractors.items()
                if one.cloud_wide and regions
            },
        },
    }


def _region_of(name: str, extractor: Extractor, regions: Sequence[str]) -> str:
    """The region that a queue is of: no message says it."""
    if extractor.region is None and len(regions) > 1:
        raise ConfigError(f"[{name}] region_name is not set, and there are several regions; choose from {', '.join(regions)}")
    return extractor.region or regions[0]


def _rules(conf: cfg.ConfigOpts) -> Rules:
    if not conf.site_name:
        raise ConfigError("site_name is not set; set it in [DEFAULT] to the site's name in GOCDB")
    rules = rules_to_read(conf)
    require_kept("site_name", [rules.site_name])
    require_kept("service_name", [rules.service_name])
    return rules


def rules_to_read(conf: cfg.ConfigOpts) -> Rules:
    """The rules of this configuration for who sends nothing: the site need not have its name yet."""
    return Rules(
        site_name=conf.site_name or "",
        service_name=service_name(conf),
        cloud_type=conf.cloud_type,
        suspended_states=frozenset(state.upper() for state in conf.accounting.suspended_states),
        # Who asks it for nothing has none of its options.
        cpu_normalization_factor=conf.prometheus.cpu_normalization_factor if "prometheus" in conf else 1.0,
    )


def service_name(conf: cfg.ConfigOpts) -> str:
    """The name of the cloud's service; empty where even the site has none yet."""
    return conf.service_name or conf.site_name or ""


def textfile(conf: cfg.ConfigOpts) -> Path | None:
    """Where a run leaves its metrics, if anywhere."""
    if not conf.metrics.textfile:
        return None
    path = Path(conf.metrics.textfile)
    if path.suffix != ".prom":
        raise ConfigError(f"[metrics] textfile: {path} does not end in .prom, and node_exporter reads no other files; rename it")
    return path


def _offers(sources: Sources, extractors: Mapping[str, Extractor], found: Sequence[Project]) -> dict[str, tuple[str, ...]]:
    """By service that an extractor asks, the regions in which the catalog has it; Nova's where no extractor asks any."""
    wanted = {extractor.service for extractor in extractors.values() if extractor.service} or {"compute"}
    # Without a project in the token the catalog may be empty, or lack the endpoints that have a project in their URL.
    return {
        service: sources.regions(service_type=service) or (sources.regions(found[0].id, service_type=service) if found else ())
        for service in sorted(wanted)
    }


def _regions(offers: Mapping[str, Sequence[str]], found: Sequence[Project], wanted: Sequence[str]) -> Sequence[str]:
    """The regions ``wanted``, else every one that has one of the services."""
    regions = list(dict.fromkeys(region for service in sorted(offers) for region in offers[service]))
    services = ", ".join(sorted(offers))
    if found and not regions:
        raise SourceError(f"the catalog shows no endpoint of {services}; check interface and the roles of the user")
    unknown = [name for name in wanted if name not in regions]
    if found and unknown:
        choices = ", ".join(regions)
        raise SourceError(f"region_name: the catalog has no {services} in {', '.join(unknown)}; choose from {choices}")
    require_kept("region_name", wanted or regions)
    return wanted or regions


def projects(conf: cfg.ConfigOpts, sources: Sources) -> Projects:
    """The projects to account for, with their VOs, and those asked for in vain."""
    return find_projects(
        sources.identity, wanted=conf.projects, tag=conf.caso_tag, properties=conf.vo_property, mapping=vo_mapping(conf)
    )


def vo_mapping(conf: cfg.ConfigOpts) -> VoMapping:
    """What mapping_file says; nothing where it is empty, or is not there and was not asked for."""
    where = conf.get_location("mapping_file")
    chosen = where is not None and where.location.is_user_controlled
    return VoMapping.read(Path(conf.mapping_file), required=chosen) if conf.mapping_file else VoMapping()


def _narrowed(conf: Configuration, *options: str) -> bool:
    """True when this one run was given one of these of its own: what it leaves out is not gone."""
    return any(conf.spoken(name) for name in options)


def accounted_projects(conf: cfg.ConfigOpts) -> tuple[str, Projects]:
    """The name of the cloud, and :func:`projects` of it, for a command that asks for nothing else."""
    access = access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface)
    return access.cloud, projects(conf, Sources(access))


def reconciliation(conf: Configuration) -> Asked:
    """What caso-reconcile compares; SourceError where the cloud does not tell which projects or regions there are."""
    from caso.reconciling import Asked  # a part of caso that no run has a use for

    access = access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface)
    sources, rules = Sources(access), _rules(conf)
    found = projects(conf, sources)
    if found.empty:
        raise SourceError(found.empty)
    wanted = conf.region_name or ([access.region] if access.region else [])
    regions = _regions(_offers(sources, {}, found.found), found.found, wanted)
    return Asked(access.cloud, sources, found.found, regions, rules, found.missing)


def deleted_kept(conf: cfg.ConfigOpts) -> dict[str, timedelta]:
    """How long the service of each extractor tells of what was deleted, of those that say so. Nothing is asked."""
    sources = Sources(access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface))
    extractors = {name: extractor(conf, name, sources) for name in conf.extractor}
    return {name: one.deleted_kept for name, one in extractors.items() if one.deleted_kept is not None}


def period_of(conf: cfg.ConfigOpts, now: datetime) -> Period:
    """What --extract_from and --extract_to ask for; whole seconds."""
    now = now.replace(microsecond=0)
    until = parse_instant(conf.extract_to, "extract_to") if conf.extract_to else now
    since = None
    if conf.extract_from:
        beginning = conf.extract_from.strip().lower() == "none"
        since = BEGINNING if beginning else max(BEGINNING, parse_instant(conf.extract_from, "extract_from"))
    if since is not None and since > now:
        raise ConfigError(f"extract_from: {since:%FT%TZ} lies in the future; leave it out to go on from where each project ended")
    if until > now:
        raise ConfigError(f"extract_to: {until:%FT%TZ} lies in the future; leave it out to extract up to now")
    if since is not None and since >= until:
        raise ConfigError(f"extract_from ({since:%FT%TZ}) is not before extract_to ({until:%FT%TZ}); swap or mend the dates")
    return Period(now=now, until=until, since=since, past=bool(conf.extract_to))


def open_configured_store(conf: cfg.ConfigOpts) -> Store:
    """The store of this configuration; with dry_run a copy of it, which is thrown away."""
    if conf.dry_run:
        return open_store_to_read(conf)
    return open_store(connection(conf), kinds=_kinds(conf), lastrun_dir=Path(conf.spooldir))


def open_store_to_read(conf: cfg.ConfigOpts) -> Store:
    """A copy of the store, thrown away at the end; also where no store was made yet."""
    return open_scratch(connection(conf), kinds=_kinds(conf), lastrun_dir=Path(conf.spooldir))


def open_existing_store(conf: cfg.ConfigOpts, *, to_read: bool) -> Store:
    """The store, or, ``to_read`` or with dry_run, a copy of it; none is made: StoreError where there is none yet."""
    require_store(connection(conf))
    return open_store_to_read(conf) if to_read else open_configured_store(conf)


def open_store_as_it_is(conf: cfg.ConfigOpts) -> Store:
    """The store for who only reads, at once: nothing is made, looked through or migrated."""
    return open_as_it_is(connection(conf), kinds=_kinds(conf))


def connection(conf: cfg.ConfigOpts) -> str:
    if not conf.spooldir:
        raise ConfigError("spooldir is empty; set it to the directory where caso is to keep what it remembers")
    return conf.store.connection or f"sqlite:///{Path(conf.spooldir) / 'caso.sqlite'}"


def _kinds(conf: cfg.ConfigOpts) -> Mapping[str, type[Record]]:
    """The classes of all kinds of record that this configuration can make, caso's and third parties'."""
    classes = plugins.load_all(EXTRACTORS, conf.extractor, Extractor).values()
    return {made.kind: made for made in (*BUILT_IN, *(made for cls in classes for made in cls.makes))}


def _extractors(conf: cfg.ConfigOpts, sources: Sources) -> dict[str, Extractor]:
    """The extractors of this run, by name, each told what the others tell of."""
    found = {name: extractor(conf, name, sources) for name in conf.extractor}
    observed = {name: one.observes for name, one in found.items()}
    for name, one in found.items():
        one.beside(frozenset().union(*(kinds for other, kinds in observed.items() if other != name)))
    return found


def extractor(conf: cfg.ConfigOpts, name: str, sources: Sources) -> Extractor:
    cls = plugins.load(EXTRACTORS, name, Extractor)
    return cls.from_conf(conf[name], sources, **{group: conf[group] for group in cls.shared_options})


def outlet(conf: cfg.ConfigOpts, name: str) -> Outlet:
    cls = plugins.load(MESSENGERS, name, Messenger)
    common = conf[f"messenger_{name}"]
    chosen = common.record_types or None
    if wrong := set(chosen or ()) - (known := _known_kinds(conf, chosen or ())):
        choices = ", ".join(sorted(known))
        raise ConfigError(f"[messenger_{name}] record_types: {', '.join(sorted(wrong))} is no record type; choose from {choices}")
    kinds = cls.record_types if chosen is None else frozenset(chosen)
    return Outlet(name, cls.from_conf(conf[name]), _writable(name, cls.writes, kinds), replay=common.replay == "all")


def _known_kinds(conf: cfg.ConfigOpts, wanted: Collection[str]) -> set[str]:
    """caso's kinds, and those of the extractors of this run; where that is not enough, of all that are installed.

    A run that was given some extractors is not about the others, but they may be named.
    """
    known = {*KINDS, *_kinds(conf)}
    if known.issuperset(wanted):
        return known
    installed = plugins.load_installed(EXTRACTORS, Extractor).values()
    return known | {made.kind for cls in installed for made in cls.makes}


def _writable(name: str, writes: frozenset[str] | None, kinds: frozenset[str] | None) -> frozenset[str] | None:
    """The kinds that the messenger can carry of those that it is to: cASO's documents gave ``ssm`` energy records too."""
    if kinds is None or writes is None or kinds <= writes:
        return kinds
    beyond = ", ".join(sorted(kinds - writes))
    if not kinds & writes:
        choices = ", ".join(sorted(writes))
        raise ConfigError(f"[messenger_{name}] record_types: {name} cannot write {beyond}; choose from {choices}")
    LOG.warning("[messenger_%s] record_types: %s cannot write %s, and goes on without; take it out", name, name, beyond)
    return kinds & writes
