"""Who and what every test cloud has beside servers: projects, users, flavors, images."""

import uuid

from tests.cloud.seed.truth import Flavor, Image, Project, User

TAG = "caso"
VO_PROPERTIES = ("accounting:VO", "egi.VO", "egi.eu:VO", "VO")
DEFAULT_DOMAIN = "default"
EGI_DOMAIN = uuid.uuid5(uuid.NAMESPACE_URL, "caso-test/domain/egi").hex
UNTAGGED, WITHOUT_VO = "untagged", "without-vo"


def stable_id(*words: object) -> str:
    """A UUID that follows from words, the same in every run."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(["caso-test", *map(str, words)])))


def stable_hex(*words: object) -> str:
    """The same without dashes, as Keystone writes its ids."""
    return stable_id(*words).replace("-", "")


def make_projects(count: int) -> tuple[Project, ...]:
    """``count`` tagged ones with a VO each, one without the tag and one without a VO."""
    ordinary = [_project(f"project-{n}", True, VO_PROPERTIES[n % len(VO_PROPERTIES)], f"vo{n}.example.org") for n in range(count)]
    return (
        *ordinary,
        _project(UNTAGGED, False, "VO", "untagged.example.org"),
        _project(WITHOUT_VO, True, None, None),
    )


def _project(name: str, tagged: bool, vo_property: str | None, vo: str | None) -> Project:
    return Project(stable_hex("project", name), name, tagged, vo_property, vo)


def make_users() -> tuple[User, ...]:
    """People in two domains; the last one Keystone has forgotten."""
    names = {
        DEFAULT_DOMAIN: ("alice", "bob", "zoë"),
        EGI_DOMAIN: ("3f1c2a@egi.eu", "/DC=org/DC=terena/O=CERN/CN=Jürgen Öztürk"),
    }
    known = [User(stable_hex("user", domain, name), name, domain) for domain, people in names.items() for name in people]
    return (*known, User(stable_hex("user", "vanished"), "vanished", DEFAULT_DOMAIN, exists=False))


def make_flavors() -> tuple[Flavor, ...]:
    """Plain ones first; then one each of what sites do to flavors, named for it."""
    benchmark = {"accounting:benchmark_type": "hepscore", "accounting:benchmark_value": "14.5"}
    gpu = {
        "Accelerator:Type": "GPU",
        "Accelerator:Vendor": "NVIDIA",
        "Accelerator:Model": "A100",
        "Accelerator:Number": "2",
        "pci_passthrough:alias": "a100:2",
    }
    rows: tuple[tuple[str, int, int, int, int, dict[str, str]], ...] = (
        ("m1.small", 1, 2048, 20, 0, {}),
        ("m1.medium", 2, 4096, 40, 0, {}),
        ("m1.large", 4, 8192, 80, 10, {}),
        ("bench.large", 4, 8192, 80, 0, benchmark),
        ("gpu.a100", 8, 65536, 100, 0, {**gpu, **benchmark}),
        ("private.huge", 16, 131072, 200, 0, {}),
        ("gone.medium", 2, 3072, 30, 0, {}),
        ("volume.small", 1, 1024, 0, 0, {}),
    )
    return tuple(
        Flavor(
            number,
            stable_id("flavor", name),
            name,
            vcpus,
            memory,
            root,
            ephemeral,
            specs,
            public=not name.startswith("private."),
            exists=not name.startswith("gone."),
        )
        for number, (name, vcpus, memory, root, ephemeral, specs) in enumerate(rows, start=1)
    )


def make_more_flavors() -> tuple[Flavor, ...]:
    """What histories need on top: a second model of accelerators."""
    specs = {
        "Accelerator:Type": "GPU",
        "Accelerator:Vendor": "NVIDIA",
        "Accelerator:Model": "L40S",
        "Accelerator:Number": "1",
        "pci_passthrough:alias": "l40s:1",
    }
    number = len(make_flavors()) + 1
    return (Flavor(number, stable_id("flavor", "gpu.l40s"), "gpu.l40s", 6, 32768, 60, 0, specs),)


def make_images() -> tuple[Image, ...]:
    """Two plain ones; one of the EGI application database; one whose property forges a record."""
    mpuri = "vmcatcher_event_ad_mpuri"
    properties: dict[str, dict[str, str]] = {
        "Debian 12": {"os_distro": "debian"},
        "Rocky Linux 9": {"os_distro": "rocky"},
        "EGI Ubuntu 24.04": {mpuri: "https://appdb.egi.eu/store/vo/image/0a1b2c:1234/"},
        "Forger": {mpuri: "https://example.org/\n%%\nVMUUID: forged\nSiteName: elsewhere"},
    }
    return tuple(Image(stable_id("image", name), name, more) for name, more in properties.items())
