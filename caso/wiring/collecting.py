"""Configuration to what takes messages from the queue besides runs."""

from __future__ import annotations

import logging

from caso.collecting import NAME, Collector
from caso.config import Configuration
from caso.errors import ConfigError, SourceError
from caso.extractors.notifications import NotificationsExtractor
from caso.plugins import EXTRACTORS, load
from caso.sources import Sources
from caso.sources.credentials import access_from_conf
from caso.store import Place, Store

LOG = logging.getLogger(__name__)


def collector(conf: Configuration, store: Store) -> Collector:
    """ConfigError where the configuration does not say where the messages are, or where what they tell of belongs."""
    cls = load(EXTRACTORS, NAME, NotificationsExtractor)
    try:
        access = access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface)
    except ConfigError as exc:
        LOG.info("no service is asked what messages leave open: %s", exc)
        extractor = cls.from_conf(conf[NAME], None, **{group: conf[group] for group in cls.shared_options})
        return Collector(extractor, place_of(conf, store, "", extractor.region))
    sources = Sources(access)
    extractor = cls.from_conf(conf[NAME], sources, **{group: conf[group] for group in cls.shared_options})
    wanted = extractor.region or access.region or None
    try:
        project_id = sources.own_project()
        return Collector(extractor, place_of(conf, store, access.cloud, wanted, sources), project_id)
    except SourceError as exc:
        LOG.warning("no service is asked what messages leave open: %s", exc)
        return Collector(extractor, place_of(conf, store, access.cloud, wanted))


def place_of(conf: Configuration, store: Store, cloud: str, region: str | None = None, sources: Sources | None = None) -> Place:
    """Where belongs what does not say its region: in ``region``, else in the only one that is configured, known or offered."""
    if region:
        return Place(cloud, region)
    known = [place.region for place in store.lives.places() if place.cloud == cloud]
    offered = list(sources.regions()) if sources and not (conf.region_name or known) else []
    regions = list(dict.fromkeys(conf.region_name or known or offered))
    if len(regions) != 1:
        which = f"there are several ({', '.join(regions)})" if regions else "nothing says which there are"
        raise ConfigError(f"[{NAME}] region_name is not set, and {which}; set it to the region that the messages are of")
    return Place(cloud, regions[0])
