"""A host on this machine that speaks TLS and answers as badly as it is told to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adverdict.creatives.network import Network

NAMES = ("cdn.example", "img.cdn.example", "other.example")
Answer = Callable[[ssl.SSLSocket], None]


def plain(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    told = {"content-length": str(len(body)), "connection": "close", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return f"HTTP/1.1 {status}\r\n".encode() + "".join(f"{k}: {v}\r\n" for k, v in told.items()).encode() + b"\r\n" + body


def moved(to: str) -> bytes:
    return plain(b"", "302 Found", location=to)


@dataclass
class Host:
    """``answers`` by path: bytes to send, or what to do with the connection. ``asked``: the requests that came."""

    port: int
    authority: Path
    answers: dict[str, bytes | Answer] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def address(self, path: str, name: str = "cdn.example") -> str:
        return f"https://{name}:{self.port}{path}"

    @property
    def hosts(self) -> tuple[str, ...]:
        return (f"cdn.example:{self.port}", f"*.cdn.example:{self.port}")

    def network(
        self, resolve: Callable[[str, int], Sequence[str]] | None = None, permitted: Callable[[str], bool] | None = None
    ) -> Network:
        """All names lead here, and here may be connected to."""
        context = ssl.create_default_context(cafile=str(self.authority))
        return Network(resolve or (lambda _, __: ["127.0.0.1"]), permitted or (lambda ip: ip == "127.0.0.1"), lambda: context)


@contextmanager
def a_host(folder: Path) -> Iterator[Host]:
    certificate, key = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listening = socket.create_server(("127.0.0.1", 0))
    host = Host(listening.getsockname()[1], certificate)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                came, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=_answer, args=(host, context, came), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield host
    stop.set()
    with contextlib.suppress(OSError):
        listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(timeout=5)


def _answer(host: Host, context: ssl.SSLContext, came: socket.socket) -> None:
    with contextlib.suppress(OSError), came:
        came.settimeout(10)
        with context.wrap_socket(came, server_side=True) as secure:
            asked = b""
            while b"\r\n\r\n" not in asked and (some := secure.recv(4096)):
                asked += some
            host.asked.append(asked.decode("latin-1"))
            answer = host.answers.get(asked.split(b" ")[1].decode(), plain(b"", "404 Not Found"))
            if isinstance(answer, bytes):
                secure.sendall(answer)
            else:
                answer(secure)


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cdn.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in NAMES[:2]]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "host.pem", folder / "host.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    unencrypted = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted))
    return certificate, secret
