"""Request bodies -> ads. Every mistake at once, and one bad ad of a batch does not lose the others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from adverdict.domain.ad import Ad
from adverdict.domain.errors import InvalidInput, Mistake
from adverdict.domain.json_text import BYTE_ORDER_MARK, may_name_twice, named_twice, parse
from adverdict.domain.mistakes import mistakes
from adverdict.serving.http.errors import from_error
from adverdict.serving.http.messages import MAX_BATCH, BatchRequest, RefusedAd

SEVERAL = 'one ad, an object of its fields; several go to POST /v1/score/batch as {"ads": [...]}'
ADS_EXPECTED = f"a list of 1 to {MAX_BATCH} ads"


class NotAnAd(InvalidInput):
    """The body breaks the data contract."""


class InvalidJson(NotAnAd):
    """The body is not JSON, so no field can be named."""

    code = "invalid_json"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch whose good ads can be decided on."""

    ads: Sequence[Ad]
    refused: Mapping[int, RefusedAd]
    """What was wrong with the others, by their position in the request."""
    size: int
    """Ads in the request."""


def read_ad(body: bytes) -> Ad:
    """Raises NotAnAd with every mistake unless ``body`` is one ad."""
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        ad = Ad.model_validate_json(body)
    except ValidationError as error:
        raise _explained(body, error) from None
    if may_name_twice(body, len(ad.model_fields_set)) and (twice := named_twice(parse(body))):
        raise NotAnAd("not an ad", twice)
    return ad


def read_batch(body: bytes) -> Batch:
    """Sort the good ads from the bad. Raises NotAnAd when the body is no batch at all."""
    body = body.removeprefix(BYTE_ORDER_MARK)
    try:
        ads = BatchRequest.model_validate_json(body).ads
        if not may_name_twice(body, 1 + sum(len(ad.model_fields_set) for ad in ads)):
            return Batch(ads, {}, len(ads))
        content = parse(body)
    except ValidationError as error:
        content = _parse(body, error)
    return _sorted(_items(content))


def _sorted(items: Sequence[Any]) -> Batch:
    good: list[Ad] = []
    refused: dict[int, RefusedAd] = {}
    for position, item in enumerate(items):
        try:
            if twice := named_twice(item):
                raise NotAnAd("not an ad", twice)
            good.append(read_ad(json.dumps(item).encode()))
        except NotAnAd as error:
            refused[position] = RefusedAd(ad_id=_id_of(item), error=from_error(error).detail())
    return Batch(good, refused, len(items))


def _items(content: Any) -> list[Any]:
    if not isinstance(content, dict):
        raise NotAnAd("not a batch", [Mistake("(the whole)", content, 'an object {"ads": [...]}')])
    wrong = [Mistake(str(key), content[key], "no such field: a batch has only ads") for key in content if key != "ads"]
    wrong += [Mistake(name, "twice", "each field once") for name in getattr(content, "twice", ())]
    items = content.get("ads")
    if not isinstance(items, list) or not items:
        wrong.append(Mistake("ads", items, ADS_EXPECTED))
    elif len(items) > MAX_BATCH:
        wrong.append(Mistake("ads", f"{len(items)} ads", ADS_EXPECTED))
    if wrong or not isinstance(items, list):
        raise NotAnAd("not a batch", wrong)
    return items


def _explained(body: bytes, error: ValidationError) -> NotAnAd:
    """The mistakes of an ad that was refused. The fast parser gives up at a lone surrogate; the patient one finds its field."""
    if error.errors()[0]["type"] != "json_invalid":
        content = _parse(body, error)
        if isinstance(content, list) or (isinstance(content, dict) and isinstance(content.get("ads"), list)):
            return NotAnAd("not an ad", [Mistake("(the whole)", content, SEVERAL)])
        return NotAnAd("not an ad", [*mistakes(error), *named_twice(content)])
    content = _parse(body, error)
    try:
        Ad.model_validate(content)
    except ValidationError as patient:
        return NotAnAd("not an ad", [*mistakes(patient), *named_twice(content)])
    return InvalidJson("the body is not valid JSON", [Mistake("(the whole)", None, _syntax(error))])


def _parse(body: bytes, error: ValidationError) -> Any:
    try:
        return parse(body)
    except UnicodeDecodeError as wrong:
        raise InvalidJson("the body is not valid JSON", [Mistake("(the whole)", None, f"UTF-8; byte {wrong.start} is not")]) from None
    except (ValueError, RecursionError):
        raise InvalidJson("the body is not valid JSON", [Mistake("(the whole)", None, _syntax(error))]) from None


def _syntax(error: ValidationError) -> str:
    """Where the JSON breaks off, without repeating what it holds."""
    first = error.errors()[0]
    if first["type"] != "json_invalid":
        return "valid JSON"
    why = str(first.get("ctx", {}).get("error", ""))
    if "recursion limit" in why:
        return f"values nested less deeply ({why})"
    return f"valid JSON ({why})" if why else "valid JSON"


def _id_of(item: Any) -> str | None:
    ad_id = item.get("ad_id") if isinstance(item, dict) else None
    usable = isinstance(ad_id, str) and 0 < len(ad_id) <= 200 and not any("\ud800" <= character <= "\udfff" for character in ad_id)
    return ad_id if usable else None
