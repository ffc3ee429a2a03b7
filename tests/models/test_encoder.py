"""How texts share a run of the encoder."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adverdict.models.encoder.encoder import BATCH_TOKENS, batches


@given(st.lists(st.integers(1, 2 * BATCH_TOKENS), max_size=200))
def test_every_text_is_in_one_batch_of_its_length_within_the_budget(lengths: list[int]) -> None:
    made = list(batches(lengths))
    assert sorted(row for rows in made for row in rows) == list(range(len(lengths)))
    for rows in made:
        assert len({lengths[row] for row in rows}) == 1
        assert len(rows) == 1 or len(rows) * lengths[rows[0]] <= BATCH_TOKENS
