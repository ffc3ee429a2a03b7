"""Brakes for the copies of an ad: which cluster is meant, and which decided ads are in one that a brake is on for."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from adverdict.clusters.read import cluster_of, firsts, found, name_of
from adverdict.decisions.policy import PolicyBook
from adverdict.domain.errors import Mistake, NotFound
from adverdict.ledger.entries import Braked
from adverdict.ledger.in_force.steering import asked_for


def asked_for_copies(
    connection: Connection,
    book: PolicyBook,
    *,
    side: str,
    policy: str | None,
    market: str | None,
    surface: str | None,
    cluster: str | None,
    why: str,
    by: str,
    follows: bool = True,
) -> Braked:
    """``asked_for`` with a cluster: its name, a decision or an ad in it; a blank means all ads. ``follows``: whether this installation
    follows copies while it decides. Raises InvalidInput with every mistake."""
    named, mistakes = None, []
    if cluster is not None and cluster.strip():
        try:
            named = cluster_named(connection, cluster.strip())
        except NotFound:
            expected = "a cluster, or a decision or an ad in one: adverdict clusters show lists them, clusters build brings them up to date"
            mistakes.append(Mistake("cluster", cluster, expected))
        if not follows:
            mistakes.append(Mistake("cluster", cluster, "nothing: ADVERDICT_CLUSTERS=false, so nobody knows what is a copy"))
    return asked_for(book, side=side, policy=policy, market=market, surface=surface, cluster=named, why=why, by=by, found=mistakes)


def cluster_named(connection: Connection, told: str) -> str:
    """The name of the cluster that a cluster, a decision or an ad names. Raises NotFound."""
    cluster = cluster_of(connection, found(connection, told))
    assert cluster is not None, "found() says so"
    return name_of(connection, cluster)


def among(connection: Connection, decision_id: str, clusters: Collection[str]) -> tuple[str, ...]:
    """Of clusters by the names they had once, those that the ad of a decision is in now, as far as they were followed."""
    if not clusters:
        return ()
    decisions = {name: f"dec-{name.removeprefix('clu-')}" for name in clusters}
    seqs = firsts(connection, {decision_id, *decisions.values()})
    own = cluster_of(connection, seqs[decision_id]) if decision_id in seqs else None
    if own is None:
        return ()
    return tuple(name for name, first in decisions.items() if first in seqs and cluster_of(connection, seqs[first]) == own)
