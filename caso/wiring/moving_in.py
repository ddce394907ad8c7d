"""Where what is moved in from Almanach belongs, and who may know its flavors."""

from __future__ import annotations

from oslo_config import cfg

from caso.almanach.flavors import Ask
from caso.config import Configuration
from caso.errors import ConfigError
from caso.extractors.flavors import AcceleratorKeys, BenchmarkKeys, FlavorReader
from caso.lifecycle.server import Flavor
from caso.sources import Scope, Sources
from caso.sources.credentials import NONE_GIVEN, access_from_conf
from caso.sources.rows import EmbeddedFlavor
from caso.sources.session import Access
from caso.store import Place, Store
from caso.wiring.lengths import require_kept


def access(conf: cfg.ConfigOpts) -> Access | None:
    """The credentials of this configuration, None where it has none; ConfigError for those that are incomplete."""
    try:
        return access_from_conf(conf, os_cloud=conf.os_cloud, interface=conf.interface)
    except ConfigError as exc:
        if str(exc) == NONE_GIVEN:
            return None
        raise


def home(conf: Configuration, store: Store, opener: Access | None) -> Place:
    """The place of what is moved in.

    The cloud is that of the credentials, else the only one that the store knows of. ConfigError where cloud or region
    cannot be told.
    """
    known = store.lives.places()
    clouds = [opener.cloud] if opener else sorted({place.cloud for place in known}) or [""]
    if len(clouds) > 1:
        names = ", ".join(map(repr, clouds))
        raise ConfigError(f"the store knows of several clouds ({names}); name the one that Almanach was of with --os-cloud")
    regions = [place.region for place in known if place.cloud == clouds[0]]
    region = _region(conf, regions, opener)
    require_kept("cloud", clouds)
    require_kept("region_name", [region])
    return Place(clouds[0], region)


def _region(conf: Configuration, known: list[str], opener: Access | None) -> str:
    given = list(conf.region_name)
    if conf.typed("region_name") and given:
        return str(given[0])
    if conf.api.region_name:
        return str(conf.api.region_name)
    if len(known) == 1:
        return known[0]
    if given:
        return str(given[0])
    if opener and opener.region:
        return opener.region
    have = f"the store has several ({', '.join(known)})" if known else "the store knows of none yet"
    raise ConfigError(f"the region of Almanach is not known: {have}; name it with --region-name, or in [api] region_name")


def ask_for_flavors(conf: cfg.ConfigOpts, region: str, sources: Sources | None) -> Ask:
    """Nova's flavors of today by name, where it can be asked; SourceError where it does not answer."""
    if sources is None:
        return lambda name: None
    flavors = sources.flavors(region)
    benchmark = BenchmarkKeys.from_conf(conf.benchmark) if "benchmark" in conf else BenchmarkKeys()
    accelerator = AcceleratorKeys.from_conf(conf.accelerator) if "accelerator" in conf else AcceleratorKeys()
    reader = FlavorReader(benchmark, accelerator)

    def ask(name: str) -> Flavor | None:
        row = flavors.find(name, Scope.AS_CONFIGURED)
        if row is None or not row.vcpus or row.ram is None:
            return None
        embedded = EmbeddedFlavor(original_name=row.name, vcpus=row.vcpus, ram=row.ram, disk=row.disk, ephemeral=row.ephemeral)
        return reader.read(embedded, row.extra_specs)

    return ask
