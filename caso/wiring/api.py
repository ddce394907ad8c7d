"""Configuration to caso-api."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from wsgiref.types import WSGIApplication

from caso import wiring
from caso.api.app import create_app
from caso.api.server import Listening
from caso.api.settings import RowRules, Settings
from caso.config import Configuration
from caso.errors import ConfigError
from caso.sources.compute import utc_now
from caso.sources.credentials import access_from_conf
from caso.store import Place, Store
from caso.wiring.access import callers


@contextmanager
def application(conf: Configuration) -> Iterator[WSGIApplication]:
    """What answers requests, over the store of this configuration: open, and made where there was none, until the block ends.

    ConfigError or StoreError where it cannot be.
    """
    if conf.dry_run:
        raise ConfigError("--dry-run: who writes by the API is to find what was written; leave it out")
    # First who may ask: nothing is made or migrated for a service that cannot be offered.
    access = callers(conf)
    with wiring.open_configured_store(conf) as store:
        yield create_app(store, settings(conf, store), access, utc_now)


def settings(conf: Configuration, store: Store) -> Settings:
    entities = conf.entities
    rules = RowRules(
        server_existence=timedelta(seconds=entities.instance_existence_threshold),
        volume_existence=timedelta(seconds=entities.volume_existence_threshold),
        metadata=frozenset(entities.instance_metadata),
        image_meta=frozenset(entities.instance_image_meta),
    )
    return Settings(
        rules=rules,
        place=place_of(conf, store),
        max_body_bytes=conf.api.max_body_bytes,
        suspended_states=wiring.rules_to_read(conf).suspended_states,
    )


def place_of(conf: Configuration, store: Store) -> Place | None:
    """Where that lives which people write of and nobody else told of yet; None where nothing says so."""
    try:
        access = access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface)
        cloud, own = access.cloud, access.region
    except ConfigError:
        # Who has nothing but the store's data to offer needs no credentials.
        cloud, own = "", None
    known = [place.region for place in store.lives.places() if place.cloud == cloud]
    region = conf.api.region_name or (known[0] if len(known) == 1 else None) or next(iter(conf.region_name), own)
    return Place(cloud, region) if region else None


def listening(conf: Configuration) -> Listening:
    return Listening(conf.api.bind_ip, conf.api.bind_port, conf.api.threads, conf.api.max_body_bytes)
