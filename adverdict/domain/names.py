"""What a column or field that is not in the data contract was probably meant to be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from adverdict.domain.ad import Ad, Label

SAID_ELSEWHERE = {
    "ad_id": "id adid ad creative_ad_id advert_id ad_number",
    "advertiser_id": "advertiser account account_id customer customer_id seller seller_id shop_id page_id",
    "market": "country country_code geo geo_country target_country",
    "submitted_at": "created_at created date timestamp time datetime submitted submission_time submission_date uploaded_at event_time",
    "title": "headline ad_title header heading subject title_text",
    "body": "text description ad_text ad_body ad_copy content copy message creative_text primary_text post_text sentence",
    "call_to_action": "cta button button_text",
    "keywords": "tags keyword",
    "landing_domain": "domain url landing_page landing_url destination destination_url final_url display_url host website link",
    "creative_id": "creative",
    "language": "lang locale ad_language language_code",
    "surface": "placement position",
    "creative_category": "category vertical industry iab_category",
    "creative_format": "format media_type ad_type creative_type",
    "creative_duration_s": "duration duration_s video_duration length_s",
    "creative_width": "width",
    "creative_height": "height",
    "creative_ocr_text": "ocr ocr_text image_text",
    "creative_uri": "image_url video_url media_url asset_url creative_url image_path file_path",
    "impressions": "views expected_impressions",
    "violates": "label violation is_violation violating flagged is_spam spam target rejected y",
    "labelled_at": "labeled_at label_time label_date reviewed_at rated_at annotated_at",
    "rater_id": "rater reviewer reviewer_id annotator annotator_id worker_id moderator",
    "policy": "rule policy_name label_type",
    "reason": "comment comments note notes rationale",
}
"""By field of the contract: what others call it."""
ALIKE = 0.75
"""Of difflib's ratio: ``avertiser_id`` is near ``advertiser_id``, ``headline`` is near nothing."""

LEFT_OUT = "is not in the data contract and was left out"

_FIELDS = {other: field for field, others in SAID_ELSEWHERE.items() for other in others.split()}


def meant(name: str, known: Collection[str] = (*Ad.model_fields, *Label.model_fields)) -> str | None:
    """The field of the contract nearest to a name; None where none is near. ``known``: those in question."""
    plain = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")
    if plain in known:
        return plain
    found = _FIELDS.get(plain)
    if found in known:
        return found
    close = difflib.get_close_matches(plain, sorted(known), 1, ALIKE)
    return close[0] if close else None


def left_out(where: str, name: str, known: Collection[str]) -> str:
    """The sentence about a column that is not in the contract."""
    near = meant(name, known)
    return f"{where}: column {name!r} {LEFT_OUT}" + (f"; is it {near!r}?" if near else "")
