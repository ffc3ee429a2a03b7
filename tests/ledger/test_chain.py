"""What is hashed, and what a digest gives away."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.ledger import chain
from adverdict.ledger.entries import KINDS, Founded
from adverdict.ledger.migrations.versions import __name__ as versions
from tests.ledger import made
from tests.ledger.made import an_ad, decided

SOME = Founded(history=None, bundle_version="v1")
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
links = st.tuples(st.integers(1, 2**62), names, names, st.integers(-(2**62), 2**62), st.binary(min_size=32, max_size=32))


def test_a_content_is_read_back_as_it_was_written() -> None:
    body = decided(an_ad())
    assert chain.unpack("decision", chain.seal(body).body) == body


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_fits_its_column(kind: str) -> None:
    assert len(kind) <= 16


def test_the_digest_is_of_salt_and_content() -> None:
    sealed = chain.seal(SOME)
    assert sealed.digest == hashlib.sha256(sealed.salt + b'{"history":null,"bundle_version":"v1"}').digest()


def test_equal_contents_have_digests_that_cannot_be_compared() -> None:
    one, other = chain.seal(SOME), chain.seal(SOME)
    assert one.salt != other.salt
    assert one.digest != other.digest


@given(links, links)
def test_no_two_entries_are_written_alike(one: tuple[int, str, str, int, bytes], other: tuple[int, str, str, int, bytes]) -> None:
    assert (chain.link(chain.GENESIS, *one) == chain.link(chain.GENESIS, *other)) == (one == other)


@pytest.mark.parametrize(("one", "other"), [(("a:1", "b"), ("a", "1:b")), (("ab", "c"), ("a", "bc")), (("", "1:a"), ("1", "a"))])
def test_where_a_kind_ends_and_an_id_begins_is_part_of_the_hash(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert chain.link(chain.GENESIS, 1, *one, 0, b"") != chain.link(chain.GENESIS, 1, *other, 0, b"")


def test_a_hash_covers_the_one_before() -> None:
    assert chain.link(b"x" * 32, 1, "label", "lab-1", 0, b"") != chain.link(chain.GENESIS, 1, "label", "lab-1", 0, b"")


@pytest.mark.parametrize(
    ("kind", "stored"),
    [("label", b"no zlib"), ("label", chain.seal(SOME).body), ("unheard_of", chain.seal(SOME).body), ("foundation", b"")],
)
def test_what_was_never_written_is_refused(kind: str, stored: bytes) -> None:
    with pytest.raises(ValueError, match=r"not the content|validation error"):
        chain.unpack(kind, stored)


def test_the_first_migration_starts_the_chain_where_the_code_does() -> None:
    import importlib

    assert importlib.import_module(f"{versions}.0001_first").GENESIS == chain.GENESIS


def test_the_columns_repeat_the_content() -> None:
    body = decided(an_ad(3))
    assert chain.looked_up_by(body, "dec-3") == {
        "about": "dec-3",
        "ad_id": "ad-3",
        "advertiser_id": "adv-7",
        "creative_id": "cr-3",
        "landing_domain": "quick-returns.example",
        "market": "SE",
        "verdict": "review",
        "submitted_at": 1772355780000000,
        "submission": 1772355780000000,
        "step": None,
        "arm": None,
        "creative_format": None,
        "creative_category": None,
        "surface": "feed",
    }
    assert chain.looked_up_by(made.labelled(body), "lab-1")["about"] == body.decision.decision_id
