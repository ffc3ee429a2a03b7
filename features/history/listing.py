"""What is the same of the listings of histories on disk: written last, sealed by a digest, refused by name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from adverdict.domain.errors import NotFound, UntrustedBundle
from adverdict.storage.whole import write_whole


class SealedListing(BaseModel):
    """A JSON file that says what the other files of its folder must be. ``listed``: its name; ``what``: of what, in errors; ``version``: of
    its form; ``sealed``: the fields that its digest covers, as ``model_dump`` takes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listed: ClassVar[str]
    what: ClassVar[str]
    version: ClassVar[int]
    sealed: ClassVar[dict[str, Any]]

    schema_version: int
    digest: str = ""

    def digested(self) -> str:
        told = self.model_dump(mode="json", **self.sealed)
        return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def write(self, folder: Path) -> Self:
        """With its digest; nothing reads the folder before this is done."""
        made = self.model_copy(update={"digest": self.digested()})
        write_whole(folder / self.listed, made.model_dump_json(indent=2) + "\n")
        return made

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises NotFound and UntrustedBundle, naming the file."""
        path = folder / cls.listed
        if not path.is_file():
            raise NotFound(f"no {cls.what} in {folder}: looked for {cls.listed}")
        try:
            listing = cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise UntrustedBundle(f"{path}: not a listing of a {cls.what}: {error.errors()[0]['msg']}") from error
        if listing.schema_version != cls.version:
            raise UntrustedBundle(f"{path}: schema_version = {listing.schema_version}; expected {cls.version}")
        if listing.digest != listing.digested():
            raise UntrustedBundle(f"{path}: digest = {listing.digest}; expected {listing.digested()}, that of what it lists")
        return listing
