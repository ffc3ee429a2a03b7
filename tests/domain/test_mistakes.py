"""What is wrong with a field is said in words a person can act on."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, ValidationError

from adverdict.domain.ad import ON_RECORD, Ad, Label, Text
from adverdict.domain.mistakes import MOMENT, mistakes

AD = {"ad_id": "a", "advertiser_id": "b", "market": "SE", "submitted_at": "2026-03-01T00:00:00Z", "title": "t"}
LABEL = {"ad_id": "a", "policy": "gambling", "violates": True, "labelled_at": "2026-03-01T00:00:00Z"}
IN_UTC = "a date and time from year 1 to year 9999 in UTC"
COUNTS = ("impressions", "creative_width", "creative_height", "creative_n_images", "creative_duration_s")


@pytest.mark.parametrize(
    ("model", "field", "value", "expected"),
    [
        (Ad, "market", "Sweden", "an ISO 3166-1 alpha-2 code such as SE"),
        (Ad, "market", None, "a value: the field is required"),
        (Ad, "colour", None, "no such field: its name is not in the data contract"),
        (Ad, "submitted_at", "2026-03-01T00:00:00", MOMENT),
        (Ad, "submitted_at", "yesterday", MOMENT),
        (Ad, "submitted_at", "0001-01-01T00:00:00+14:00", IN_UTC),
        (Ad, "submitted_at", "9999-12-31T23:59:59-14:00", IN_UTC),
        (Ad, "advertiser_created_at", "0001-01-01T00:00:00+00:01", IN_UTC),
        (Ad, "creative_width", "wide", "a number"),
        (Ad, "creative_width", -1, "a number of at least 0"),
        (Ad, "creative_width", float("nan"), "a finite number"),
        *((Ad, name, 1.1e12, "a number of at most 1e+12") for name in COUNTS),
        (Ad, "creative_skippable_share", 1.5, "a number of at most 1"),
        (Ad, "advertiser_verified", "maybe", "true or false"),
        (Ad, "ad_id", "", "text of at least 1 character(s)"),
        (Ad, "title", "\ud800", "text that can be encoded as UTF-8 (no lone surrogates)"),
        (Ad, "title", 5, "text"),
        (Ad, "keywords", "k", "a list"),
        (Ad, "advertiser_licences", "gambling:SE", "a list"),
        (Ad, "colour", "red", "no such field: its name is not in the data contract"),
        (Ad, "headline", "Hi", "no such field: its name is not in the data contract; is it 'title'?"),
        (Ad, "market", "de", "an ISO 3166-1 alpha-2 code such as SE; is it DE?"),
        (Ad, "ad_id", "NULL", "an id; this word says that there is none"),
        (Ad, "ad_id", "1.23457E+17", "the whole id; a spreadsheet has rounded this one (write its column as text)"),
        (Label, "policy", "Kids", "a policy's name such as kids_unsuitable: small letters, digits and _"),
        (Label, "labelled_at", "9999-12-31T23:59:59-00:01", IN_UTC),
        (Label, "inclusion_probability", 0, "a number of at least 1e-09"),
        (Label, "inclusion_probability", 1e-300, "a number of at least 1e-09"),
        (Label, "severity", "bad", "one of 'mild', 'moderate' or 'extreme'"),
    ],
)
def test_each_wrong_value_names_field_value_and_expectation(model: type[Ad | Label], field: str, value: Any, expected: str) -> None:
    row = {**(AD if model is Ad else LABEL), field: value}
    with pytest.raises(ValidationError) as refused:
        model.model_validate(row)
    [found] = mistakes(refused.value, where="ads.csv row 3")
    assert (found.field, found.expected, found.where) == (field, expected, "ads.csv row 3")
    assert found.value is value or found.value == value


def test_every_mistake_is_told_at_once_with_paths_into_lists() -> None:
    with pytest.raises(ValidationError) as refused:
        Ad.model_validate({**AD, "market": "x", "keywords": ["k", 3]})
    assert [found.field for found in mistakes(refused.value)] == ["market", "keywords[1]"]


@pytest.mark.parametrize("licence", ["gambling", "gambling:se", "gambling:SWE", "Gambling:SE", ":SE", "gambling: SE", "gambling:SE\n"])
def test_a_licence_names_a_policy_and_a_market(licence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Ad.model_validate({**AD, "advertiser_licences": ["weapons:US", licence]})
    [found] = mistakes(refused.value)
    assert (found.field, found.value) == ("advertiser_licences[1]", licence)
    assert found.expected == "a policy and the market of its licence, such as gambling:SE"


def test_a_missing_field_and_an_ad_of_nothing_do_not_repeat_the_whole_ad() -> None:
    with pytest.raises(ValidationError) as refused:
        Label.model_validate({"ad_id": "a"})
    assert {(found.field, found.value, found.expected) for found in mistakes(refused.value)} == {
        (name, None, "a value: the field is required") for name in ("policy", "violates", "labelled_at")
    }
    with pytest.raises(ValidationError) as refused:
        Ad.model_validate({**AD, "title": " "})
    [found] = mistakes(refused.value)
    assert found.field == "(the whole)"
    assert found.value == sorted(AD)
    assert found.expected.startswith("at least one text or creative field: title, body")


@pytest.mark.parametrize("moment", ["1990-01-01T00:00:00Z", "2099-12-31T23:59:59.999999Z", "2026-03-01T09:30:00-14:00"])
def test_any_time_of_the_years_of_ads_is_kept_in_utc(moment: str) -> None:
    assert str(Ad.model_validate({**AD, "submitted_at": moment}).submitted_at.utcoffset()) == "0:00:00"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_what_stands_for_no_time_or_for_never_is_refused_but_stays_readable_on_record(moment: str) -> None:
    with pytest.raises(ValidationError, match="a date and time from 1990 to 2100"):
        Ad.model_validate({**AD, "submitted_at": moment})
    assert Ad.model_validate({**AD, "submitted_at": moment}, context=ON_RECORD)


class Lengths(BaseModel):
    """A text and a list whose lengths are asked in the same way."""

    text: Annotated[Text, Field(min_length=1, max_length=3)] = "abc"
    items: Annotated[list[str], Field(min_length=1, max_length=3)] = ["a"]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("text", "", "text of at least 1 character(s)"),
        ("text", "four", "text of at most 3 characters"),
        ("items", [], "at least 1 item(s)"),
        ("items", ["a"] * 4, "at most 3 items"),
    ],
)
def test_the_length_of_a_text_is_told_in_characters_and_of_a_list_in_items(field: str, value: Any, expected: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Lengths.model_validate({field: value})
    assert [found.expected for found in mistakes(refused.value)] == [expected]


class _Part(BaseModel, extra="forbid"):
    starts: int = 0


class _Whole(BaseModel, extra="forbid"):
    markets: tuple[str, ...] = ()
    parts: list[_Part] | None = None
    label: Label | None = None


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        ({"market": "SE"}, "market", "no such field here; is it 'markets'?"),
        ({"headline": "Hi"}, "headline", "no such field here: there are markets, parts, label"),
        ({"parts": [{"start": 1}]}, "parts[0].start", "no such field here; is it 'starts'?"),
        ({"parts": [{"market": 1}]}, "parts[0].market", "no such field here: there are starts"),
        ({"label": {**LABEL, "rater": "r"}}, "label.rater", "no such field here; is it 'rater_id'?"),
    ],
)
def test_a_wrong_name_is_told_the_fields_that_may_stand_there_and_no_others(body: dict[str, Any], field: str, expected: str) -> None:
    with pytest.raises(ValidationError) as refused:
        _Whole.model_validate(body)
    [found] = mistakes(refused.value, of=_Whole)
    assert (found.field, found.expected) == (field, expected)
