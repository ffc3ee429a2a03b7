"""A file from a host of the list: its name is resolved once, every address it has is looked at, and the connection goes to one of those.

What a name resolves to is the attacker's choice (DNS rebinding), so it is never resolved a second time; the certificate is still checked
against the name. No proxy, no cookie, no header of a browser's; nothing of the environment is used.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from adverdict.creatives.limits import Limits
from adverdict.creatives.sources import Sources, WebAddress, refused
from adverdict.domain.errors import InvalidInput, NotFound, Unavailable

PIECE = 64 * 1024
MOVED = (301, 302, 303, 307, 308)
CLOUD = frozenset({"168.63.129.16", "100.100.100.200", "192.0.0.192"})
"""Addresses of clouds' own services that the registries of special addresses do not all have."""
EMBEDDING = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"), ipaddress.ip_network("::ffff:0:0:0/96"))
"""IPv6 addresses that end in an IPv4 one (NAT64, and two old forms)."""

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port -> addresses, as numbers."""


def addresses_of(host: str, port: int) -> list[str]:
    """Raises OSError."""
    return list(dict.fromkeys(str(told[4][0]) for told in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet, whatever form it is written in."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and any(ip in network for network in EMBEDDING):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified) and str(ip) not in CLOUD


@dataclass(frozen=True)
class Network:
    """How hosts are reached. ``permitted`` says which addresses may be connected to."""

    resolve: Resolve = addresses_of
    permitted: Callable[[str], bool] = is_public
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context
    clock: Callable[[], float] = field(default=time.monotonic)

    def read(self, address: WebAddress, sources: Sources, limits: Limits) -> bytes:
        """The file; each redirect is checked like the first address. Raises InvalidInput, NotFound, or Unavailable: later it may work."""
        end = self.clock() + limits.seconds
        for _ in range(limits.redirects + 1):
            found = self._ask(address, limits, end)
            if isinstance(found, bytes):
                return found
            target = sources.locate(urljoin(address.url, found))
            if not isinstance(target, WebAddress):
                raise refused(found, "a redirect to another https address")
            address = target
        raise refused(address.url, f"at most {limits.redirects} redirects")

    def _ask(self, address: WebAddress, limits: Limits, end: float) -> bytes | str:
        """The file, or where it has moved to."""
        connection, opened = self._connect(address, end)
        try:
            connection.request("GET", address.target, headers={"User-Agent": "Adverdict", "Accept": "*/*", "Accept-Encoding": "identity"})
            answer = connection.getresponse()
            if answer.status in MOVED:
                return _location(answer, address)
            _check(answer, address, limits)
            return _body(answer, address, limits)
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{address.host} did not send the file: {_told(error)}") from None
        finally:
            connection.close()
            opened.close()

    def _connect(self, address: WebAddress, end: float) -> tuple[http.client.HTTPConnection, ssl.SSLSocket]:
        last: OSError | None = None
        context = self.context()
        for found in self._permitted(address, end):
            made: socket.socket | None = None
            try:
                made = socket.create_connection((found, address.port), timeout=self._left(end))
                made.settimeout(self._left(end))
                secure = context.wrap_socket(made, server_hostname=address.host)
            except OSError as error:  # ssl's errors are some
                last = error
                if made is not None:
                    made.close()
                continue
            connection = http.client.HTTPSConnection(address.host, address.port, context=context)
            connection.sock = _UntilThen(secure, lambda: self._left(end))
            return connection, secure
        raise Unavailable(f"{address.host} cannot be reached: {_told(last)}")

    def _permitted(self, address: WebAddress, end: float) -> Sequence[str]:
        """Raises InvalidInput where any of them may not be connected to: a name that mixes both kinds is an attack or a mistake."""
        pool = ThreadPoolExecutor(1, "resolving")
        try:
            found = pool.submit(self.resolve, address.host, address.port).result(timeout=self._left(end))
        except TooLong:
            raise Unavailable(f"{address.host} was not resolved in time") from None
        except OSError as error:
            raise Unavailable(f"{address.host} is not known to DNS: {_told(error)}") from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if not found or not all(map(self.permitted, found)):
            raise refused(
                address.url, "a host of the open internet: this one's name leads to an address that is private, local or reserved"
            )
        return found

    def _left(self, end: float) -> float:
        left = end - self.clock()
        if left <= 0:
            raise TimeoutError("it took too long")
        return left


class _UntilThen:
    """A socket that is given what is left of the time at every step: a host that sends a byte a second gets no further."""

    def __init__(self, inner: socket.socket, left: Callable[[], float]) -> None:
        self._inner, self._left = inner, left

    def sendall(self, content: Any) -> None:
        self._inner.settimeout(self._left())
        self._inner.sendall(content)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Arriving(self._inner, self._left))

    def close(self) -> None:
        """Left to who opened it: an answer is still read after its connection is said to be closed."""


class _Arriving(io.RawIOBase):
    def __init__(self, inner: socket.socket, left: Callable[[], float]) -> None:
        self._inner, self._left = inner, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._inner.settimeout(self._left())
        return self._inner.recv_into(buffer)


def _location(answer: http.client.HTTPResponse, address: WebAddress) -> str:
    location = answer.getheader("location")
    if not location:
        raise refused(address.url, "a redirect that says where to")
    return location


def _check(answer: http.client.HTTPResponse, address: WebAddress, limits: Limits) -> None:
    if answer.status in (404, 410):
        raise NotFound(f"{address.host} has no such file ({answer.status})")
    if answer.status == 429 or answer.status >= 500:
        raise Unavailable(f"{address.host} answered {answer.status}")
    if answer.status != 200:
        raise InvalidInput(f"{address.host} answered {answer.status}, not the file")
    if answer.getheader("content-encoding", "identity").strip().lower() != "identity":
        raise InvalidInput(f"{address.host} sent the file packed, though it was asked for as it is")
    told = answer.getheader("content-length", "")
    if told.isascii() and told.isdigit() and int(told[:20]) > limits.most_bytes:
        raise too_large(limits)


def _body(answer: http.client.HTTPResponse, address: WebAddress, limits: Limits) -> bytes:
    content = bytearray()
    while piece := answer.read(PIECE):
        content += piece
        if len(content) > limits.most_bytes:
            raise too_large(limits)
    if answer.length:  # promised, and not sent
        raise Unavailable(f"{address.host} broke off in the middle of the file")
    return bytes(content)


def too_large(limits: Limits) -> InvalidInput:
    return InvalidInput(f"the file is larger than {limits.most_bytes // 2**20} MiB")


def _told(error: Exception | None) -> str:
    """Of a failure, without what a stranger's host may have put into it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate cannot be trusted ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, http.client.IncompleteRead):
        return "it broke off in the middle"
    if isinstance(error, http.client.HTTPException):
        return "its answer is not HTTP"
    return getattr(error, "strerror", None) or type(error).__name__
