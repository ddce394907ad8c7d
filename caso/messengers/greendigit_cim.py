"""Energy records, submitted to the CIM service of GreenDIGIT."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Self
from urllib.parse import urlsplit

from oslo_config import cfg

from caso.errors import ConfigError, DeliveryError, RejectedError
from caso.findings import Finding, of_error, ok, warning
from caso.messengers.base import Messenger
from caso.messengers.cim_service import CimService, ContentRefusedError, is_plain
from caso.records import EnergyRecord, Record
from caso.wire.cim import energy_message

LOG = logging.getLogger(__name__)

MOST = 1000
PATIENCE = 10.0
"""Seconds that an examination waits for an answer, at most."""


class GreenDigitCimMessenger(Messenger):
    """Submits up to ``batch_size`` records at a time.

    The service keeps what it takes beside what it has, and cannot be told to forget. So what it took of a batch that was not
    taken whole is not submitted twice by this process.
    """

    record_types = writes = frozenset({EnergyRecord.kind})
    options = (
        cfg.StrOpt(
            "base_url",
            default="https://greendigit-cim.sztaki.hu",
            help="Where GreenDIGIT's CIM service is; /gd-cim-api/v1/token and /gd-cim-api/v1/submit are below it.",
        ),
        cfg.StrOpt("email", help="E-mail address that GreenDIGIT knows the site's account by."),
        cfg.StrOpt("password", secret=True, help="Its password. Sent in the body of a request, never in a URL."),
        cfg.BoolOpt(
            "verify_ssl", default=True, help="Verify the service's certificate. Without, anybody may be sent the password."
        ),
        cfg.IntOpt("batch_size", default=100, min=1, max=MOST, help="Most records of one submission."),
        cfg.IntOpt("timeout", default=60, min=1, help="Seconds for one answer of the service."),
    )

    def __init__(
        self,
        base_url: str,
        email: str,
        password: str,
        *,
        verify_ssl: bool = True,
        batch_size: int = 100,
        timeout: float = 60,
    ) -> None:
        self.batch_size = batch_size
        self.verify_ssl = verify_ssl
        self._account = (base_url, email, password)
        self._timeout = timeout
        self._service = CimService(base_url, email, password, verify=verify_ssl, timeout=timeout)
        self._taken: set[Record] = set()

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr) -> Self:
        for name in ("base_url", "email", "password"):
            if not conf[name]:
                raise ConfigError(f"[greendigit_cim] {name} is not set; set it as GreenDIGIT gave it to the site")
        parts = urlsplit(conf.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or "@" in parts.netloc:
            raise ConfigError("[greendigit_cim] base_url is no URL of a service; write it like https://greendigit.example.org")
        return cls(
            base_url=conf.base_url,
            email=conf.email,
            password=conf.password,
            verify_ssl=conf.verify_ssl,
            batch_size=conf.batch_size,
            timeout=conf.timeout,
        )

    def send(self, records: Sequence[Record]) -> None:
        """Return once the service has taken all records; nothing is submitted of records among which one cannot be written."""
        energy = _energy(records)
        energy_message(energy)
        left = [record for record in energy if record not in self._taken]
        refused: dict[str, str] = {}
        for first in range(0, len(left), self.batch_size):
            refused |= self._hand_over(left[first : first + self.batch_size])
        if refused:
            raise RejectedError(refused)
        self._taken.clear()
        LOG.debug("greendigit_cim: %d records taken by %s", len(left), self._service.url)

    def examine(self) -> Iterator[Finding]:
        """Whether the service lets caso log in; no record is sent."""
        service = CimService(*self._account, verify=self.verify_ssl, timeout=min(self._timeout, PATIENCE))
        if is_plain(service.url):
            yield warning(
                f"records go to {service.url} as plain text",
                "who listens on the way reads the password, and may publish in the name of the site",
                "write https in base_url of [greendigit_cim]",
            )
        elif not self.verify_ssl:
            yield warning(
                f"the certificate of {service.url} is not verified",
                "who pretends to be the service is sent the password",
                "take verify_ssl out of [greendigit_cim], and have the authority that signed it among those of the system",
            )
        try:
            service.login()
        except DeliveryError as exc:
            yield of_error(exc, "records for it stay due, and are sent once it takes them")
        else:
            yield ok(f"{service.url} lets caso log in")

    def _hand_over(self, batch: Sequence[EnergyRecord]) -> dict[str, str]:
        """Why the service does not take some of a batch, by key; DeliveryError where it takes none of several.

        That has other reasons than one bad record: all would be set aside for a change of the service.
        """
        refused = self._submit(batch)
        if len(refused) == len(batch) > 1:
            why = next(iter(refused.values()))
            raise DeliveryError(
                f"{self._service.url} takes none of {len(batch)} records: {why}; "
                "see whether it takes energy records 0.1 at all, and whether a newer caso knows what it wants"
            )
        return refused

    def _submit(self, records: Sequence[EnergyRecord]) -> dict[str, str]:
        try:
            self._service.submit(energy_message(records), f"{len(records)} records")
        except ContentRefusedError as exc:
            if len(records) == 1:
                return {records[0].key: str(exc)}
            # The service names none: it is one half or the other, or both.
            middle = len(records) // 2
            return self._submit(records[:middle]) | self._submit(records[middle:])
        self._taken.update(records)
        return {}


def _energy(records: Sequence[Record]) -> list[EnergyRecord]:
    energy = [record for record in records if isinstance(record, EnergyRecord)]
    if len(energy) < len(records):
        reason = "greendigit_cim can write energy records only; take the others out of record_types"
        raise RejectedError({record.key: reason for record in records if not isinstance(record, EnergyRecord)})
    return energy
