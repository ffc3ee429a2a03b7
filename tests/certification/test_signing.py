"""What this deployment did not sign decides nothing, though its names are right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from adverdict.certification.certificate import Issued
from adverdict.certification.signing import SIGNATURE, refuse_unsigned, signed
from adverdict.domain.errors import UntrustedBundle
from adverdict.models.opening import MlflowRegistry
from tests.review.certificates import a_certificate

KEY, ANOTHER = bytes(range(32)), bytes(32)


def test_what_was_signed_is_read_as_it_was_issued(tmp_path: Path) -> None:
    issued = Issued((a_certificate(),))
    file = tmp_path / "certificates.json"
    file.write_text(signed(issued.to_json(), KEY), encoding="utf-8")
    assert Issued.from_json(MlflowRegistry(file, key=KEY).fetch_certificates("models:/adverdict/1", "", tmp_path)) == issued
    assert Issued.from_json(MlflowRegistry(file).fetch_certificates("models:/adverdict/1", "", tmp_path)) == issued, "nobody asks"


def test_a_raised_threshold_that_was_named_again_is_refused(tmp_path: Path) -> None:
    good = signed(Issued((a_certificate(),)).to_json(), KEY)
    raised = Issued((a_certificate(below=0.9),)).to_json()
    Issued.from_json(raised)  # its name is that of its content, and its evidence was invented whole
    forged = json.dumps({**json.loads(raised), SIGNATURE: json.loads(good)[SIGNATURE]})
    file = tmp_path / "certificates.json"
    for text, why in (
        (raised, "are not signed"),
        (forged, "were changed after they were signed"),
        (signed(raised, ANOTHER), "another key"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(UntrustedBundle, match=why) as refused:
            MlflowRegistry(file, key=KEY).fetch_certificates("models:/adverdict/1", "", tmp_path)
        assert str(file) in str(refused.value)
        assert "adverdict policy solve" in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '"signature"', '{"signature": 3}', '{"signature": ""}', '{"signature": "é"}'])
def test_whatever_else_is_there_is_refused_in_words(text: str) -> None:
    with pytest.raises(UntrustedBundle, match="certificates of models:/a/1"):
        refuse_unsigned(text, KEY, "models:/a/1")
