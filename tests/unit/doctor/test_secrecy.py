"""Files of OpenStack's clients with a password in them are looked at as caso.conf is."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caso import config
from caso.doctor import credentials
from caso.findings import Level
from caso.wiring import examination

LOGIN = {"auth_url": "https://keystone.test/v3", "username": "u", "user_domain_id": "default"}
PASSWORD = {"password": "hunter2"}


def clouds_yaml(path: Path, mode: int, **auth: str) -> Path:
    path.write_text(json.dumps({"clouds": {"mine": {"auth": auth}}}, indent=1))
    path.chmod(mode)
    return path


def findings(monkeypatch: pytest.MonkeyPatch, clouds: Path, secure: Path) -> list[tuple[Level, str]]:
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
    monkeypatch.setenv("OS_CLIENT_SECURE_FILE", str(secure))
    conf = config.build(["--os-cloud=mine"], "caso-doctor", files=[])
    found = list(credentials.examine(examination.patient(conf, datetime.now(UTC)).door))
    assert "hunter2" not in str(found)
    return [(finding.level, finding.what.split()[0].rstrip(",")) for finding in found]


def test_a_clouds_yaml_with_a_password_that_others_may_read_is_told(tmp_path, monkeypatch):
    open_to_all = clouds_yaml(tmp_path / "clouds.yaml", 0o644, **LOGIN, **PASSWORD)

    assert findings(monkeypatch, open_to_all, tmp_path / "none") == [(Level.WARNING, str(open_to_all))]

    open_to_all.chmod(0o600)

    assert findings(monkeypatch, open_to_all, tmp_path / "none") == [(Level.OK, str(open_to_all))]


def test_a_clouds_yaml_may_be_open_where_its_passwords_are_in_a_secure_yaml(tmp_path, monkeypatch):
    clouds = clouds_yaml(tmp_path / "clouds.yaml", 0o644, **LOGIN)
    secure = clouds_yaml(tmp_path / "secure.yaml", 0o640, **PASSWORD)

    assert findings(monkeypatch, clouds, secure) == [(Level.OK, str(secure))]

    secure.chmod(0o604)

    assert findings(monkeypatch, clouds, secure) == [(Level.WARNING, str(secure))]


@pytest.mark.parametrize(
    "lines",
    [
        "[notifications]\ntransport_url = rabbit://caso:hunter2@bus/",
        "[notifications]\ntransport_url = rabbit://one/,\n    rabbit://caso:hunter2@two/",
        "[collector]\ntransport_url = rabbit://caso:hunter2@bus/",
        "[auth]\nprivate_key = hunter2",
        "[store]\nconnection = postgresql://caso:hunter2@db/caso",
        "[keystone_auth]\npassword = hunter2",
    ],
)
def test_a_configuration_with_a_secret_in_it_is_looked_at(tmp_path: Path, lines: str):
    file = tmp_path / "caso.conf"
    file.write_text(f"[DEFAULT]\nsite_name = SITE\n{lines}\n")

    conf = config.build([], "caso-doctor", files=[str(file)])

    assert examination.patient(conf, datetime.now(UTC)).settings.secret_files == (file,)


def test_a_configuration_without_a_secret_may_be_open(tmp_path: Path):
    file = tmp_path / "caso.conf"
    lines = ["[keystone_auth]", "auth_url = https://keystone.test/v3", "[store]", "connection = sqlite:////srv/caso@home.sqlite"]
    file.write_text("\n".join(lines))

    conf = config.build([], "caso-doctor", files=[str(file)])

    assert examination.patient(conf, datetime.now(UTC)).settings.secret_files == ()
