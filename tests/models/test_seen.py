"""Who a bundle has seen: every advertiser and creative whose labels were used, nobody else, and no name of anybody."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adverdict.domain.ad import Ad
from adverdict.domain.written import says_nothing
from adverdict.models.seen import SEEN, Seen
from tests.training.data import ad


def an_ad(advertiser: str, creative: str | None = None) -> Ad:
    return ad(1, advertiser, creative_id=creative)


USED = Seen.of([an_ad("adv-1", "c-1"), an_ad("adv-1", "c-2"), an_ad("adv-2")])


@pytest.mark.parametrize(
    ("advertiser", "creative", "known"),
    [
        pytest.param("adv-1", None, True, id="an advertiser"),
        pytest.param("adv-1", "c-9", True, id="an advertiser with another creative"),
        pytest.param("adv-9", "c-2", True, id="another advertiser with the creative"),
        pytest.param("adv-9", None, False, id="a stranger"),
        pytest.param("adv-9", "c-9", False, id="a stranger with a new creative"),
        pytest.param("c-1", "adv-1", False, id="an advertiser is not a creative of the same name"),
        pytest.param("ADV-1", None, False, id="names are taken as they are"),
        pytest.param("creative c-1", None, False, id="nor can a name pose as the other kind"),
    ],
)
def test_who_is_known(advertiser: str, creative: str | None, known: bool) -> None:
    assert USED.knows(an_ad(advertiser, creative)) is known


def test_nobody_is_known_where_no_label_was_used() -> None:
    assert not Seen().knows(an_ad("adv-1", "c-1"))
    assert len(Seen()) == 0


def test_each_advertiser_and_creative_is_kept_once() -> None:
    assert len(USED) == 4


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).filter(lambda text: not says_nothing(text))


@given(st.lists(st.tuples(names, st.none() | names), max_size=20), names)
def test_what_was_saved_knows_whom_it_knew(
    tmp_path_factory: pytest.TempPathFactory, used: list[tuple[str, str | None]], other: str
) -> None:
    folder = tmp_path_factory.mktemp("seen")
    before = Seen.of(an_ad(*one) for one in used)
    before.save(folder)
    after = Seen.load(folder)
    assert len(after) == len(before)
    assert all(after.knows(an_ad(*one)) for one in used)
    assert after.knows(an_ad(other)) is (other in {advertiser for advertiser, _ in used})


def test_the_file_names_nobody_and_does_not_tell_who_came_first(tmp_path: Path) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for folder, order in ((first, ("adv-secret", "adv-other")), (second, ("adv-other", "adv-secret"))):
        folder.mkdir()
        Seen.of(an_ad(name) for name in order).save(folder)
    assert b"secret" not in (first / SEEN).read_bytes()
    assert (first / SEEN).read_bytes() == (second / SEEN).read_bytes()


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"name": pa.array([1], type=pa.int64())}),
        pa.table({"names": pa.array([1], type=pa.uint64())}),
        pa.table({"name": pa.array(["adv-1"])}),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, table: pa.Table) -> None:
    pq.write_table(table, tmp_path / SEEN)
    with pytest.raises(ValueError, match=r"seen\.parquet has columns"):
        Seen.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a table"])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / SEEN).write_bytes(content)
    with pytest.raises((ValueError, pa.ArrowInvalid)):
        Seen.load(tmp_path)


def test_no_file_is_an_error() -> None:
    with pytest.raises(OSError, match=r"seen\.parquet"):
        Seen.load(Path("nowhere"))
