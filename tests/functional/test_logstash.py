"""The Logstash messenger and a real receiver of JSON lines: syslog-ng, which parses each line as it comes."""

import dataclasses
import json
import socket
import subprocess
import time
from pathlib import Path

import pytest

from caso.errors import DeliveryError
from caso.messengers.logstash import LogstashMessenger, Tls
from caso.testing.records import a_cloud_record, a_storage_record, an_accelerator_record, an_ip_record
from tests.unit.messengers.receivers import HERE, Authority

pytestmark = pytest.mark.debian("syslog-ng-core")

RECORDS = [
    a_cloud_record(machine_name="名前 \U0001f600 a%%b\nVMUUID: forged\x00\u2028"),
    an_accelerator_record(),
    an_ip_record(),
    a_storage_record(),
]

CONF = """@version: 3.38
options {{ log-msg-size(1048576); }};
source plain {{ network(ip("{here}") port({plain}) transport("tcp") flags(no-parse)); }};
source secured {{
    network(ip("{here}") port({secured}) transport("tls") flags(no-parse)
        tls(key-file("{key}") cert-file("{cert}") ca-file("{ca}") peer-verify(required-trusted)));
}};
log {{
    source(plain); source(secured);
    parser {{ json-parser(prefix(".json.")); }};
    destination {{ file("{folder}/received" template("${{.json.RecordKey}}\\t$MESSAGE\\n")); }};
}};
"""


@dataclasses.dataclass
class SyslogNg:
    folder: Path
    authority: Authority
    plain: int
    secured: int

    @property
    def received(self) -> dict[str, dict]:  # type: ignore[type-arg]
        """Each line under the key that syslog-ng found in it; it writes them when it has the time."""
        path = self.folder / "received"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return {key: json.loads(line) for key, _, line in (line.partition("\t") for line in lines)}

    def comes_to_have(self, keys: list[str]) -> bool:
        return within_seconds(10, lambda: list(self.received) == keys)


def within_seconds(seconds: float, true) -> bool:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def listens(port: int) -> bool:
    try:
        socket.create_connection((HERE, port), timeout=1).close()
    except OSError:
        return False
    return True


def two_free_ports() -> tuple[int, int]:
    with socket.create_server((HERE, 0)) as one, socket.create_server((HERE, 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture
def syslog_ng(tmp_path):
    authority, ports = Authority(tmp_path / "authority"), two_free_ports()
    receiver = SyslogNg(tmp_path, authority, *ports)
    cert, key = authority.sign(HERE)
    text = CONF.format(here=HERE, plain=ports[0], secured=ports[1], key=key, cert=cert, ca=authority.cafile, folder=tmp_path)
    (tmp_path / "syslog-ng.conf").write_text(text)
    own = [f"--{name}={tmp_path / file}" for name, file in (("cfgfile", "syslog-ng.conf"), ("persist-file", "persist"))]
    own += [f"--{name}={tmp_path / file}" for name, file in (("pidfile", "pid"), ("control", "control"))]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(["/usr/sbin/syslog-ng", "--foreground", "--no-caps", *own], stdout=log, stderr=log)
        try:
            started = within_seconds(20, lambda: listens(ports[0]) and listens(ports[1]))
            assert started, (tmp_path / "log").read_text()
            yield receiver
        finally:
            process.terminate()
            process.wait(20)


def test_a_real_receiver_parses_every_line_and_has_every_letter(syslog_ng):
    LogstashMessenger(HERE, syslog_ng.plain).send(RECORDS)

    assert syslog_ng.comes_to_have([record.key for record in RECORDS])
    assert syslog_ng.received[RECORDS[0].key]["MachineName"] == RECORDS[0].machine_name


def test_a_real_receiver_takes_many_records_over_tls_with_certificates_on_both_sides(syslog_ng):
    records = [a_cloud_record(vm_uuid=f"vm-{number}") for number in range(1000)]
    ours = syslog_ng.authority.sign("caso.example.org")

    LogstashMessenger(HERE, syslog_ng.secured, Tls(str(syslog_ng.authority.cafile), *map(str, ours))).send(records)

    assert syslog_ng.comes_to_have([record.key for record in records])


def test_a_real_receiver_of_tls_that_takes_plain_lines_and_closes_in_order_has_accepted_nothing(syslog_ng):
    with pytest.raises(DeliveryError, match="set tls = true"):
        LogstashMessenger(HERE, syslog_ng.secured).send(RECORDS)

    assert syslog_ng.received == {}


def test_a_real_receiver_that_wants_our_certificate_and_does_not_get_it_has_accepted_nothing(syslog_ng):
    with pytest.raises(DeliveryError, match="certfile"):
        LogstashMessenger(HERE, syslog_ng.secured, Tls(str(syslog_ng.authority.cafile))).send(RECORDS)

    assert syslog_ng.received == {}
