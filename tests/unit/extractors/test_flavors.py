"""Benchmarks and accelerators, as flavors have them and as people mistype them."""

import logging

import pytest

from caso.extractors.flavors import AcceleratorKeys, BenchmarkKeys, FlavorReader
from caso.lifecycle.server import Accelerator, Benchmark
from caso.sources.rows import EmbeddedFlavor

SPEED = {"accounting:benchmark_type": "hepscore23", "accounting:benchmark_value": "14.5"}
GPU = {"Accelerator:Type": "GPU", "Accelerator:Vendor": "NVIDIA", "Accelerator:Model": "A100", "Accelerator:Number": "2"}


def read(current, at_boot=None, reader=None):
    embedded = EmbeddedFlavor(original_name="m1", vcpus=4, ram=8192, disk=40, ephemeral=10, extra_specs=at_boot or {})
    return (reader or FlavorReader(BenchmarkKeys(), AcceleratorKeys())).read(embedded, current)


def test_sizes_are_the_servers_own():
    flavor = read({})

    assert (flavor.name, flavor.vcpus, flavor.memory_mib, flavor.disk_gib) == ("m1", 4, 8192, 50)


def test_the_properties_of_now_win_and_those_at_boot_are_for_a_flavor_that_is_gone():
    assert read(SPEED, at_boot={}).benchmark == Benchmark("hepscore23", 14.5)
    assert read({}, at_boot=SPEED).benchmark is None
    assert read(None, at_boot=SPEED).benchmark == Benchmark("hepscore23", 14.5)


def test_the_documented_spelling_of_the_benchmark_is_read_too():
    specs = {"accounting:benchmark_name": "hs06", "accounting:benchmark_value": "9"}

    assert read(specs).benchmark == Benchmark("hs06", 9.0)


def test_the_keys_can_be_chosen():
    reader = FlavorReader(BenchmarkKeys("n", "v"), AcceleratorKeys("t", "o", "m", "c"))

    flavor = read({"n": "x", "v": "1", "t": "fpga", "o": "Xilinx", "m": "U55C", "c": "3"}, reader=reader)

    assert flavor.benchmark == Benchmark("x", 1.0)
    assert flavor.accelerators == (Accelerator("FPGA", "Xilinx U55C", 3.0),)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Accelerator("GPU", "NVIDIA A100", 2.0)),
        ({"Accelerator:Type": "gpu"}, Accelerator("GPU", "NVIDIA A100", 2.0)),
        ({"Accelerator:Type": "TPU"}, Accelerator("Other", "NVIDIA A100", 2.0)),
        ({"Accelerator:Number": ""}, Accelerator("GPU", "NVIDIA A100", 1.0)),
        ({"Accelerator:Number": "0.5"}, Accelerator("GPU", "NVIDIA A100", 0.5)),
        ({"Accelerator:Vendor": ""}, Accelerator("GPU", "A100", 2.0)),
        ({"Accelerator:Model": ""}, Accelerator("GPU", "NVIDIA", 2.0)),
    ],
)
def test_accelerators_are_read_as_written(changes, expected):
    assert read(GPU | changes).accelerators == (expected,)


@pytest.mark.parametrize("number", ["two", "-1", "nan", "inf", "0"])
def test_a_number_of_accelerators_that_is_none_gives_no_accelerator(number):
    assert read(GPU | {"Accelerator:Number": number}).accelerators == ()


@pytest.mark.parametrize(
    "specs",
    [
        {"accounting:benchmark_type": "x"},
        {"accounting:benchmark_value": "1"},
        SPEED | {"accounting:benchmark_value": "fast"},
        SPEED | {"accounting:benchmark_value": "0"},
        {"Accelerator:Model": "A100"},
        GPU | {"Accelerator:Number": "two"},
    ],
)
def test_a_half_set_flavor_is_told_once_and_stops_nothing(specs, caplog):
    reader = FlavorReader(BenchmarkKeys(), AcceleratorKeys())

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            flavor = read(specs, reader=reader)

    assert flavor.benchmark is None
    assert flavor.accelerators == ()
    assert len(caplog.records) == 1
    assert "flavor m1" in caplog.text


def test_accelerators_whose_name_is_too_long_for_a_key_are_accounted_as_its_beginning(caplog):
    reader = FlavorReader(BenchmarkKeys(), AcceleratorKeys())

    with caplog.at_level(logging.WARNING):
        [accelerator] = read(GPU | {"Accelerator:Model": "A" * 255}, reader=reader).accelerators

    assert accelerator.model == f"NVIDIA {'A' * 248}"
    assert "in more than 255 characters" in caplog.text
