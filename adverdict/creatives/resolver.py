"""An ad's address to the bytes that lie there."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass, field
from pathlib import Path

from adverdict.creatives.limits import Limits
from adverdict.creatives.network import Network, too_large
from adverdict.creatives.sources import FileAddress, Sources, StoreAddress, WebAddress, refused
from adverdict.domain.errors import InvalidInput, NotFound, Unavailable
from adverdict.storage.places import Place


@dataclass(frozen=True)
class Resolver:
    """Reads creatives from where they may come from."""

    sources: Sources
    limits: Limits = field(default_factory=Limits)
    network: Network = field(default_factory=Network)

    def read(self, address: str) -> bytes:
        """Raises InvalidInput (it is not fetched, and asking again changes nothing), NotFound, Unavailable (later it may be there)."""
        match self.sources.locate(address):
            case WebAddress() as found:
                return self.network.read(found, self.sources, self.limits)
            case FileAddress() as found:
                return _file(found, address, self.limits)
            case StoreAddress() as found:
                return _object(found, self.limits)


def _file(found: FileAddress, address: str, limits: Limits) -> bytes:
    """A plain file; not a pipe, which would be waited for, nor one that has been put elsewhere since its folder was looked at."""
    try:
        descriptor = os.open(found.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        raise NotFound("there is no such file, or it cannot be read") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise refused(address, "a plain file")
    with os.fdopen(descriptor, "rb") as file:
        opened = Path(f"/proc/self/fd/{descriptor}")
        if opened.exists() and not Path(os.readlink(opened)).is_relative_to(found.folder):
            raise refused(address, "a file below a folder of ADVERDICT_CREATIVE_FOLDERS")
        content = file.read(limits.most_bytes + 1)
    if len(content) > limits.most_bytes:
        raise too_large(limits)
    return content


def _object(found: StoreAddress, limits: Limits) -> bytes:
    """Stores' libraries have times of their own: what takes longer than ours is left to end by itself."""
    pool = ThreadPoolExecutor(1, "creative-store")
    try:
        return pool.submit(_from_store, found, limits).result(timeout=limits.seconds)
    except TooLong:
        raise Unavailable(f"{found.folder} did not send the file within {limits.seconds:g} s") from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _from_store(found: StoreAddress, limits: Limits) -> bytes:
    try:
        place = Place.at(found.folder)
    except InvalidInput as error:
        raise Unavailable(str(error)) from None
    if place.size(found.name) > limits.most_bytes:
        raise too_large(limits)
    with place.open(found.name) as file:
        return file.read(limits.most_bytes)
