"""Every error of caso, named by what the run does next.

=================  =======================================================  ===========
error              what the run does                                        exit status
=================  =======================================================  ===========
ConfigError        stops before any work                                    2
StoreError         stops: the store cannot be opened, read or written       2, or 1 in the middle of a run
LockedError        leaves this scope or messenger to the run that holds it  2 when nothing else was done
SourceError        leaves this scope; its checkpoint stays                  1
DeniedError        as SourceError; a shared listing falls back              1
DeliveryError      everything unaccepted stays due for this messenger       1
RejectedError      sets the named records aside, sends the others           1
=================  =======================================================  ===========

Errors are raised where the fault is known, translated at the rim (sources, store, messengers, plug-ins),
and caught in ``run.py`` and ``delivery.py`` only.
"""

from __future__ import annotations

from collections.abc import Mapping


class CasoError(Exception):
    """What every error of caso is; its text is a sentence for the operator."""


class ConfigError(CasoError):
    """The configuration or the command line asks for something that cannot be done."""


class StoreError(CasoError):
    """The store cannot be opened, read or written."""


class LockedError(CasoError):
    """Another live process holds the lock."""


class SourceError(CasoError):
    """An API did not give what was asked of it; the same question may be asked again later."""


class DeniedError(SourceError):
    """The API understood, and refuses it to this role (401, 403): asking again changes nothing."""


class DeliveryError(CasoError):
    """The recipient does not hold the records; they may be sent again as they are."""


class RejectedError(CasoError):
    """The recipient will never take these records as they are.

    ``reasons`` maps the key of each refused record to why. The records of the
    same batch that are not named count as unsent: they are sent again without
    the refused ones.
    """

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {reason}" for key, reason in reasons.items()))
        self.reasons = dict(reasons)


def after_name(name: str, error: BaseException) -> str:
    """What an error says, for a message that names the plug-in already: its own text may begin with that name.

    >>> after_name("nova", SourceError("nova: cannot list servers")), after_name("nova", SourceError("no"))
    ('cannot list servers', 'no')
    """
    return str(error).removeprefix(f"{name}: ")
