"""Files that credentials name: what is wrong with them is said before anything is asked."""

from pathlib import Path

import pytest

from caso.errors import ConfigError
from caso.sources.session import new_session


@pytest.fixture
def noise(tmp_path: Path) -> str:
    path = tmp_path / "noise.pem"
    path.write_text("no certificate at all\n")
    return str(path)


def test_an_authority_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"cafile: cannot use .*gone.pem: No such file or directory; name a PEM file"):
        new_session(verify=str(tmp_path / "gone.pem"))


def test_an_authority_that_is_no_certificate_is_named(noise: str):
    with pytest.raises(ConfigError, match=r"cafile: cannot use .*noise.pem: .*; name a PEM file"):
        new_session(verify=noise)


@pytest.mark.parametrize("key", ["noise.pem", "gone.pem", None])
def test_a_users_certificate_that_cannot_be_used_is_named(tmp_path: Path, noise: str, key: str | None):
    cert = noise if key is None else (noise, str(tmp_path / key))

    with pytest.raises(ConfigError, match=r"certfile: cannot use .*noise.pem: .*; name PEM files"):
        new_session(cert=cert)


def test_a_directory_of_authorities_will_do(tmp_path: Path):
    assert new_session(verify=str(tmp_path)).verify == str(tmp_path)


def test_certificates_are_verified_unless_told_otherwise():
    assert new_session().verify is True
