"""What oslo.config complains of, as sentences that say where it stands and what to do."""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr

from oslo_config import cfg

from caso import spelling
from caso.errors import ConfigError


@contextmanager
def sentences(files: Iterable[str]) -> Iterator[None]:
    """What is wrong with one of the files, as a ConfigError that says which and what to do."""
    try:
        yield
    except (cfg.ConfigFilesNotFoundError, cfg.ConfigFilesPermissionDeniedError) as exc:
        files = ", ".join(dict.fromkeys(exc.config_files))
        raise ConfigError(f"cannot read {files}; check the path, and that this user may read it") from exc
    except UnicodeDecodeError as exc:
        where = ", ".join(spelling.undecodable(files))
        raise ConfigError(f"cannot read the configuration: {where}: {exc}; save it as a text file in UTF-8") from exc
    except OSError as exc:
        raise ConfigError(f"cannot read the configuration: {exc}; it has to be a text file in UTF-8") from exc
    except cfg.ConfigFileParseError as exc:
        marked = r"'\ufeff" in str(exc)
        advice = "it begins with a byte order mark: save it as UTF-8 without one" if marked else "write NAME = VALUE, unindented"
        # Not as its cause either: a line that cannot be read may be that of the password.
        raise ConfigError(f"{_without_line(str(exc))}; {advice}") from None
    except cfg.NoSuchOptError as exc:
        raise ConfigError(
            f"a value refers to ${exc.opt_name}, and there is no such option; where a $ is meant, write $$"
        ) from exc
    except cfg.Error as exc:
        raise ConfigError(_plain(str(exc))) from exc


@contextmanager
def quiet() -> Iterator[None]:
    """oslo.config tells of old names when it reads them, before there is a log, and some of them twice."""
    logger = logging.getLogger(cfg.__name__)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


@contextmanager
def values_of_files(arguments: Sequence[str], usual: Sequence[str], given: Collection[str]) -> Iterator[None]:
    """A value of the wrong type in a file is told as one of the command line, by oslo.config, which leaves then."""
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            yield
    except SystemExit as exc:
        wrong = re.match(r"argument --(\w+): Invalid (.*) value: (.*)", told.getvalue())
        # Older ones leave without a status.
        if exc.code in (None, 1) and wrong:
            name, kind, value = wrong.groups()
            files = ", ".join(spelling.values_of("--config-file", arguments) or usual) or "the environment"
            where = "the arguments" if name in given else files
            raise ConfigError(f"{name} in {where}: {value!r} is not valid; it has to be {kind}") from exc
        sys.stderr.write(told.getvalue())
        raise
    sys.stderr.write(told.getvalue())


def _without_line(text: str) -> str:
    """oslo.config's words without the line that it cannot read.

    >>> _without_line("Failed to parse a.conf: at a.conf:4, No ':' or '=' found in assignment: 'password hunter2'")
    "Failed to parse a.conf: at a.conf:4, No ':' or '=' found in assignment"
    """
    return re.sub(r""": (['"]).*\1$""", "", text, flags=re.DOTALL)


def _plain(text: str) -> str:
    """oslo.config's words without the repr of its LocationInfo.

    >>> _plain("Value for option a from LocationInfo(location=<Locations.user: (4, True)>, detail='/etc/x') is not valid: b")
    'Value for option a from /etc/x is not valid: b'
    """
    return re.sub(r"LocationInfo\(location=.*?, detail='(.*?)'\)", r"\1", text)
