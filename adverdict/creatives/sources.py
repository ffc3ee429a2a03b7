"""Where creatives may come from, as the operator says, and what an ad's address is among them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import idna

from adverdict.domain.creatives import folders_of, hosts_of, stores_of
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.settings import Settings
from adverdict.storage.places import PROTOCOL, checked

LONGEST = 4000
"""Characters of an address."""
ODD = re.compile(r"[\x00-\x20\x7f\\]")
HTTPS = 443


@dataclass(frozen=True)
class WebAddress:
    """A file on a host of the list. ``target`` is what the host is asked for."""

    host: str
    """As DNS knows it, in ASCII."""
    port: int
    target: str

    @property
    def url(self) -> str:
        return f"https://{self.host}{'' if self.port == HTTPS else f':{self.port}'}{self.target}"


@dataclass(frozen=True)
class FileAddress:
    """A file of this machine, in a folder of the list."""

    folder: Path
    path: Path


@dataclass(frozen=True)
class StoreAddress:
    """An object in a store, below a folder of the list."""

    folder: str
    name: str


Address = WebAddress | FileAddress | StoreAddress


@dataclass(frozen=True)
class Sources:
    """Nothing in any of them: no creative is fetched."""

    hosts: tuple[str, ...] = ()
    """``cdn.example``, ``*.cdn.example`` (any host below it), ``cdn.example:8443``."""
    folders: tuple[Path, ...] = ()
    stores: tuple[str, ...] = ()
    """``s3://bucket/folder``: what lies below it."""

    @classmethod
    def of(cls, settings: Settings) -> Sources:
        folders = tuple(Path(one) for one in folders_of(settings.creative_folders))
        return cls(hosts_of(settings.creative_hosts), folders, stores_of(settings.creative_stores))

    @property
    def any(self) -> bool:
        return bool(self.hosts or self.folders or self.stores)

    def locate(self, address: str) -> Address:
        """Raises InvalidInput with a sentence for whoever reviews the ad. Nothing is asked for anything."""
        if len(address) > LONGEST or ODD.search(address):
            raise refused(address, "an address of at most 4,000 characters, without blanks, backslashes or control characters")
        protocol = PROTOCOL.match(address)
        if protocol is None or protocol[1].lower() == "file":
            return self._file(address)
        return self._web(address) if protocol[1].lower() in ("https", "http") else self._store(address)

    def _web(self, address: str) -> WebAddress:
        try:
            parts = urlsplit(address)
            host, port = parts.hostname or "", parts.port or HTTPS
        except ValueError:
            raise refused(address, "an https address that can be read") from None
        if parts.scheme.lower() != "https":
            raise refused(address, "https: over http anybody on the way could change the picture")
        if parts.username is not None or parts.password is not None:
            raise refused(address, "an address without user name and password")
        try:
            known = idna.encode(host, uts46=True).decode().lower() if host else ""
        except idna.IDNAError:
            known = ""
        if not any(_is_of(known, port, one) for one in self.hosts):
            raise refused(address, f"a host of ADVERDICT_CREATIVE_HOSTS ({', '.join(self.hosts) or 'which names none'})")
        asked = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return WebAddress(known, port, _ascii(asked))

    def _file(self, address: str) -> FileAddress:
        parts = urlsplit(address)
        if parts.scheme not in ("", "file"):
            raise refused(address, "https://…, a file, or an address of a store such as s3://bucket/name")
        if parts.scheme and parts.netloc not in ("", "localhost"):
            raise refused(address, "a file of this machine: file:///folder/name")
        path = Path(unquote(parts.path) if parts.scheme else address)
        if not path.is_absolute() or "\0" in str(path):
            raise refused(address, "https://…, a whole path, or an address of a store such as s3://bucket/name")
        real = path.resolve()
        folder = next((one for one in self.folders if real.is_relative_to(one.resolve())), None)
        if folder is None:
            # The same whether such a file exists or not, or the answer would say what lies on this machine.
            raise refused(address, "a file below a folder of ADVERDICT_CREATIVE_FOLDERS")
        return FileAddress(folder.resolve(), real)

    def _store(self, address: str) -> StoreAddress:
        for folder in self.stores:
            if address.startswith(f"{folder}/"):
                try:
                    return StoreAddress(folder, checked(address.removeprefix(f"{folder}/")))
                except InvalidInput:
                    break
        raise refused(address, f"an object below one of ADVERDICT_CREATIVE_STORES ({', '.join(self.stores) or 'which names none'})")


def refused(address: str, expected: str) -> InvalidInput:
    return InvalidInput("the creative is not fetched", [Mistake("creative_uri", address, expected)])


def _is_of(host: str, port: int, allowed: str) -> bool:
    name, _, told = allowed.partition(":")
    if port != (int(told) if told else HTTPS) or not host:
        return False
    return host.endswith(name[1:]) and host != name[2:] if name.startswith("*.") else host == name


def _ascii(target: str) -> str:
    """What stands in a request line: other letters as UTF-8 in percents, as browsers send them."""
    return "".join(letter if "!" <= letter <= "~" else "".join(f"%{byte:02X}" for byte in letter.encode()) for letter in target)
