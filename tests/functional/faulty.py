"""Sites whose last run was an hour ago and well, and which are about to suffer: each a copy of one that ran once."""

import contextlib
import copy
import dataclasses
import datetime as dt
import ipaddress
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from caso.report import Report
from tests.cloud import T1, Cloud
from tests.functional.driver import Site
from tests.surroundings import environ

PROJECTS = ("project-0", "project-1", "project-2", "project-3")


@dataclasses.dataclass
class Patience:
    """Waits in no time, and remembers for how long it was to."""

    waits: list[float] = dataclasses.field(default_factory=list)

    def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)


def new_site(folder: Path, cloud: Cloud) -> Site:
    """A site that accounts for the projects with a VO, by name, so that a run without a fault has nothing to say."""
    folder.mkdir(parents=True, exist_ok=True)
    site = Site(folder, cloud, "reader", sleep=Patience())
    named = ",".join(cloud.truth.project(name).id for name in PROJECTS)
    configure(site, "DEFAULT", caso_tag="", projects=named)
    return site


def site_after_t1(folder: Path, cloud: Cloud) -> Site:
    """One that ran at T1; meant to be copied."""
    site = new_site(folder, cloud)
    assert site.run(T1).exit_status == 0
    return site


def copied(site: Site, folder: Path) -> Site:
    """The same site at another place."""
    other = new_site(folder, site.cloud)
    shutil.copytree(site.folder / "spool", folder / "spool")
    other.recipient = copy.deepcopy(site.recipient)
    return other


def configure(site: Site, section: str, **options: object) -> None:
    """Options that the site has besides, or in place of, those it is made with."""
    lines = [f"[{section}]", *(f"{name} = {value}" for name, value in options.items())]
    with site.conf.open("a") as conf:
        conf.write("\n" + "\n".join(lines) + "\n")


def failed(report: Report) -> set[tuple[str, str]]:
    """The scopes that are not done, by extractor and project."""
    return {(scope.scope.extractor, scope.project.name) for scope in report.scopes if scope.error}


def errors(report: Report) -> dict[str, str]:
    """What is said of each scope that is not done, by extractor and project: ``nova project-1``."""
    return {f"{s.scope.extractor} {s.project.name}": str(s.error) for s in report.scopes if s.error}


def until(site: Site) -> dict[tuple[str, str], dt.datetime]:
    """How far each scope is extracted, by extractor and project."""
    names = {project.id: project.name for project in site.cloud.truth.projects}
    with site.store() as store:
        return {(c.scope.extractor, names[c.scope.project_id]): c.until for c in store.checkpoints.all()}


def process(site: Site, *arguments: str) -> "subprocess.Popen[str]":
    """``caso-extract`` at work, in a process of its own and at the time that it really is."""
    clean = environ()
    words = [str(Path(sys.executable).with_name("caso-extract")), f"--config-file={site.conf}", *arguments]
    return subprocess.Popen(words, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextlib.contextmanager
def without_rows(cloud: Cloud, database: str, table: str, where: str, *values: str) -> Iterator[int]:
    """Within the block some rows of a service's database are gone; how many."""
    with cloud.database(database) as db:
        rows = db.execute(f"SELECT * FROM {table} WHERE {where}", values).fetchall()
        db.execute(f"DELETE FROM {table} WHERE {where}", values)
    try:
        yield len(rows)
    finally:
        with cloud.database(database) as db:
            db.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(rows[0]))})", rows)


@contextlib.contextmanager
def endpoint_at(cloud: Cloud, before: str, after: str) -> Iterator[None]:
    """Within the block the catalog has other URLs: ``after`` in place of what begins with ``before``."""
    swap = "UPDATE endpoint SET url = replace(url, ?, ?)"
    with cloud.database("keystone") as db:
        assert db.execute(swap, (before, after)).rowcount
    try:
        yield
    finally:
        with cloud.database("keystone") as db:
            db.execute(swap, (after, before))


class Authority:
    """Signs certificates: ``cafile`` is what a client needs in order to believe them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of the tests")])
        builder = self._builder(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.cafile = folder / "ca.pem"
        self.cafile.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def context(self, host: str) -> ssl.SSLContext:
        """What a server needs that is to be believed to be ``host``, a name or an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), key)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(host)]), critical=False)
        path = self._folder / f"{host}.pem"
        path.write_bytes(
            builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
        )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
