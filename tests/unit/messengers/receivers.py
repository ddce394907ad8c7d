"""Receivers of JSON lines on loopback, good ones and bad ones, and certificates for them."""

import contextlib
import ipaddress
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HERE = "127.0.0.1"


class Receiver:
    """Listens until it is left. ``handle`` is what it does with a connection: it reads all there is, unless told otherwise.

    ``buffer`` is how many bytes its kernel takes in for it.
    """

    def __init__(
        self,
        handle: Callable[[socket.socket], bytes] | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        buffer: int | None = None,
    ) -> None:
        self._handle, self._tls = handle or read_all, tls
        self._listener = socket.create_server((HERE, port))
        if buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self.taken: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    @property
    def records(self) -> list[dict]:  # type: ignore[type-arg]
        """Every whole line that was taken."""
        return [json.loads(line) for content in self.taken for line in content.splitlines(keepends=True) if line.endswith(b"\n")]

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with contextlib.suppress(OSError), connection:
                connection.settimeout(10)
                if self._tls is None:
                    self.taken.append(self._handle(connection))
                else:
                    with self._tls.wrap_socket(connection, server_side=True) as secured:
                        self.taken.append(self._handle(secured))
                        # Python's own close says nothing: what was read to its end is answered in kind.
                        with contextlib.suppress(OSError):
                            secured.unwrap()


def read_all(connection: socket.socket) -> bytes:
    content = b""
    while piece := connection.recv(65536):
        content += piece
    return content


def close_in_mid_line(connection: socket.socket) -> bytes:
    """Some bytes are read, the rest is thrown away unread."""
    return connection.recv(100)


def close_early_in_order(connection: socket.socket) -> bytes:
    """Everything is read, and the connection closed as if that had been asked for: no reset tells of it."""
    return connection.recv(1 << 20)


def read_then_reset(connection: socket.socket) -> bytes:
    content = read_all(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return content


def answer(connection: socket.socket) -> bytes:
    """A web server, and its idea of a request."""
    content = connection.recv(100)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    return content + read_all(connection)


class Authority:
    """Signs certificates, and leaves them as PEM files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {folder.name}")])
        self.cafile = folder / "ca.pem"
        self.cafile.write_bytes(self._certificate(self._name, self._key, x509.BasicConstraints(ca=True, path_length=0)))

    def sign(self, name: str, days: int = 1) -> tuple[Path, Path]:
        """The files of a certificate and its key; with negative ``days`` it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        plain = serialization.NoEncryption()
        certfile, keyfile = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName(
            [x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)]
        )
        certfile.write_bytes(self._certificate(subject, key, names, days))
        keyfile.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain))
        return certfile, keyfile

    def serving(self, name: str = HERE, days: int = 1, clients: bool = False) -> ssl.SSLContext:
        """What a receiver of that name speaks TLS with; ``clients``: it wants a certificate of this authority from them."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(self.cafile))
        context.load_cert_chain(*self.sign(name, days))
        context.verify_mode = ssl.CERT_REQUIRED if clients else ssl.CERT_NONE
        return context

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType, days: int = 1
    ) -> bytes:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=10),
            not_valid_after=now + timedelta(days=days),
        )
        signed = builder.add_extension(extension, critical=False).sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)
