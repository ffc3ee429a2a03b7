"""What an engine starts in each of its processes. Light: the driver of a long run loads no model library."""

from __future__ import annotations

from collections.abc import Callable

from adverdict.rescoring.deciding.job import RescoringJob
from adverdict.rescoring.folder.manifest import ShardReport
from adverdict.rescoring.input.plan import Shard

Make = Callable[[RescoringJob], Callable[[Shard], ShardReport]]
"""Called once in a process: what turns shards into published decisions there, loaded."""


def make_worker(job: RescoringJob) -> Callable[[Shard], ShardReport]:
    """A ``Make``: the worker there is. It is imported in the process that needs it."""
    from adverdict.rescoring.deciding.worker import Worker
    from adverdict.scoring.collector import quieten_collector

    worker = Worker(job)
    quieten_collector()  # half a million objects that it would walk through again and again
    return worker
