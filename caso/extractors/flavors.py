"""What a flavor's extra specs say of its speed and its accelerators: pure but for one warning per flavor."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Callable, Mapping
from typing import Self

from oslo_config import cfg

from caso.lifecycle.server import Accelerator, Benchmark, Flavor
from caso.sources.rows import EmbeddedFlavor

LOG = logging.getLogger(__name__)

BENCHMARK_OPTIONS: tuple[cfg.Opt, ...] = (
    cfg.StrOpt(
        "name_key",
        default="accounting:benchmark_type",
        deprecated_opts=[cfg.DeprecatedOpt("benchmark_name_key", group="DEFAULT")],
        help="Flavor property with the name of the benchmark. accounting:benchmark_name is tried as well.",
    ),
    cfg.StrOpt(
        "value_key",
        default="accounting:benchmark_value",
        deprecated_opts=[cfg.DeprecatedOpt("benchmark_value_key", group="DEFAULT")],
        help="Flavor property with the benchmark's value for one core.",
    ),
)
ACCELERATOR_OPTIONS: tuple[cfg.Opt, ...] = (
    cfg.StrOpt(
        "type_key",
        default="Accelerator:Type",
        help="Flavor property with the type of its accelerators: GPU or FPGA; anything else is accounted as Other.",
    ),
    cfg.StrOpt("vendor_key", default="Accelerator:Vendor", help="Flavor property with the vendor of its accelerators."),
    cfg.StrOpt("model_key", default="Accelerator:Model", help="Flavor property with the model of its accelerators."),
    cfg.StrOpt(
        "number_key",
        default="Accelerator:Number",
        help="Flavor property with the number of accelerators of a server; 1 where only the type is set.",
    ),
)

DOCUMENTED_NAME_KEY = "accounting:benchmark_name"
LONGEST_MODEL = 255
"""Characters of vendor and model: they are part of the key of a record, for caso's store and for APEL's."""
TYPES = {"gpu": "GPU", "fpga": "FPGA"}


@dataclasses.dataclass(frozen=True)
class BenchmarkKeys:
    """The flavor properties that tell the benchmark."""

    name: str = "accounting:benchmark_type"
    value: str = "accounting:benchmark_value"

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(conf.name_key, conf.value_key)


@dataclasses.dataclass(frozen=True)
class AcceleratorKeys:
    """The flavor properties that tell the accelerators."""

    type: str = "Accelerator:Type"
    vendor: str = "Accelerator:Vendor"
    model: str = "Accelerator:Model"
    number: str = "Accelerator:Number"

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(conf.type_key, conf.vendor_key, conf.model_key, conf.number_key)


class FlavorReader:
    """Sizes from the flavor a server carries, properties from the flavor as it is now. Tells each broken flavor once."""

    def __init__(
        self, benchmark: BenchmarkKeys, accelerator: AcceleratorKeys, tell: Callable[[str, str], None] | None = None
    ) -> None:
        self._benchmark = benchmark
        self._accelerator = accelerator
        self._tell = tell or _warn
        self._told: set[tuple[str, str]] = set()
        self._read: dict[str, tuple[EmbeddedFlavor, Mapping[str, str], Flavor]] = {}

    def told_by(self, specs: Mapping[str, str]) -> tuple[str | None, ...]:
        """Of a flavor's properties, those that this reads."""
        benchmark, accelerator = dataclasses.astuple(self._benchmark), dataclasses.astuple(self._accelerator)
        return tuple(specs.get(key) for key in (*benchmark, DOCUMENTED_NAME_KEY, *accelerator))

    def read(self, embedded: EmbeddedFlavor, current_specs: Mapping[str, str] | None) -> Flavor:
        """The flavor of a server. Without ``current_specs`` (it was deleted, or cannot be seen) those at boot count.

        >>> keys = FlavorReader(BenchmarkKeys(), AcceleratorKeys())
        >>> keys.read(EmbeddedFlavor(original_name="m1", vcpus=2, ram=512, disk=1, ephemeral=2), {}).disk_gib
        3
        """
        specs = embedded.extra_specs if current_specs is None else current_specs
        held = self._read.get(embedded.original_name)
        if held is None or held[0] is not embedded or held[1] is not specs:
            # Thousands of servers of a flavor come with the very same one.
            held = self._read[embedded.original_name] = embedded, specs, self._flavor_of(embedded, specs)
        return held[2]

    def _flavor_of(self, embedded: EmbeddedFlavor, specs: Mapping[str, str]) -> Flavor:
        return Flavor(
            name=embedded.original_name,
            vcpus=embedded.vcpus,
            memory_mib=embedded.ram,
            disk_gib=embedded.disk + embedded.ephemeral,
            benchmark=self._benchmark_of(embedded.original_name, specs),
            accelerators=self._accelerators_of(embedded.original_name, specs),
        )

    def _benchmark_of(self, flavor: str, specs: Mapping[str, str]) -> Benchmark | None:
        # cASO's documents say benchmark_name where its code reads benchmark_type; sites have either.
        name = specs.get(self._benchmark.name) or specs.get(DOCUMENTED_NAME_KEY)
        value = specs.get(self._benchmark.value)
        if not name and not value:
            return None
        if not name or not value:
            missing = self._benchmark.value if name else self._benchmark.name
            self._warn(flavor, f"has no property {missing}: no benchmark is accounted for it")
            return None
        number = _positive(value)
        if number is None:
            self._warn(flavor, f"property {self._benchmark.value} is {value!r}, which is no positive number")
            return None
        return Benchmark(name, number)

    def _accelerators_of(self, flavor: str, specs: Mapping[str, str]) -> tuple[Accelerator, ...]:
        keys = self._accelerator
        given = [specs.get(key) for key in (keys.type, keys.vendor, keys.model, keys.number)]
        kind, vendor, model, number = ((value or "").strip() for value in given)
        if not kind:
            if vendor or model or number:
                self._warn(flavor, f"has no property {keys.type}: no accelerator is accounted for it")
            return ()
        count = _positive(number or "1")
        if count is None:
            if number not in ("0", "0.0"):
                self._warn(flavor, f"property {keys.number} is {number!r}, which is no positive number: none is accounted")
            return ()
        if not model:
            self._warn(flavor, f"has no property {keys.model}: its accelerators are accounted as {vendor or kind}")
        named = f"{vendor} {model}".strip() or kind
        if len(named) > LONGEST_MODEL:
            self._warn(
                flavor, f"names its accelerators in more than {LONGEST_MODEL} characters: the first of these are accounted"
            )
        return (Accelerator(TYPES.get(kind.lower(), "Other"), named[:LONGEST_MODEL], count),)

    def _warn(self, flavor: str, problem: str) -> None:
        if (flavor, problem) not in self._told:
            self._told.add((flavor, problem))
            self._tell(flavor, problem)


def problems(flavor: str, specs: Mapping[str, str], benchmark: BenchmarkKeys, accelerator: AcceleratorKeys) -> list[str]:
    """What is set by half of a flavor's properties, each completing "flavor NAME ...".

    >>> problems("m1", {"accounting:benchmark_type": "hepscore"}, BenchmarkKeys(), AcceleratorKeys())
    ['has no property accounting:benchmark_value: no benchmark is accounted for it']
    """
    told: list[str] = []
    reader = FlavorReader(benchmark, accelerator, lambda _, problem: told.append(problem))
    reader.read(EmbeddedFlavor(original_name=flavor, vcpus=0, ram=0, disk=0, ephemeral=0), specs)
    return told


def _warn(flavor: str, problem: str) -> None:
    LOG.warning("flavor %s %s; correct it with: openstack flavor set --property", flavor, problem)


def _positive(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number > 0 else None
