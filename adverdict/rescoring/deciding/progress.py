"""How far a rescoring is, told to whoever wants to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from adverdict.domain.progress import Progress as Stages
from adverdict.domain.progress import Silent

if TYPE_CHECKING:
    from adverdict.rescoring.folder.manifest import ShardReport


class Progress(Stages, Protocol):
    """Stages as in ``domain.progress``, the deciding itself shard by shard, and sentences in between."""

    def deciding(self, shards: int, ads: int, done: int) -> None:
        """The shards begin: ``shards`` of ``ads`` rows are to be decided, ``done`` others were before."""
        ...

    def shard(self, report: ShardReport) -> None:
        """One is published."""
        ...

    def say(self, sentence: str) -> None: ...


class SilentProgress(Silent):
    """Tells nobody."""

    def deciding(self, shards: int, ads: int, done: int) -> None:
        pass

    def shard(self, report: ShardReport) -> None:
        pass

    def say(self, sentence: str) -> None:
        pass
