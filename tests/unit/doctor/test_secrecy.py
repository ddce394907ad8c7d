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
