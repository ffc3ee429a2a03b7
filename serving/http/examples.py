"""The examples of the OpenAPI document. A test holds that each is what the service takes or gives."""

from __future__ import annotations

from typing import Any

from adverdict.domain.ad import Ad

AD: dict[str, Any] = Ad.model_json_schema()["examples"][0]
DECISION: dict[str, Any] = {
    "decision_id": "dec-0b0e6c8c1d7f4c0c9a2f5c9f7a1d2e3f",
    "ad_id": "ad-1001",
    "advertiser_id": "adv-77",
    "market": "SE",
    "surface": "feed",
    "decided_at": "2026-03-01T09:30:01Z",
    "verdict": "reject",
    "policies": [
        {
            "policy": "deceptive",
            "verdict": "reject",
            "risk": {"policy": "deceptive", "p": 0.972, "p_low": 0.951, "p_high": 0.984},
            "approve_below": 0.04,
            "reject_at": 0.93,
            "certificate_id": "cert-5d41402abc4b2a76",
            "because": "risk 0.972 is at least 0.930: rejected automatically (certificate cert-5d41402abc4b2a76)",
            "advertiser_reason": "The ad promises something it cannot keep.",
            "standing": "certified",
        }
    ],
    "unused_risks": [{"policy": "gambling", "p": 0.008, "p_low": 0.005, "p_high": 0.012}],
    "reasons": [
        {
            "policy": "deceptive",
            "kind": "phrase",
            "signal": "guaranteed returns",
            "text": 'the text says "guaranteed returns"',
            "effect": 2.4,
        }
    ],
    "degraded": [],
    "uncertified": False,
    "audit": {"probability": 0.01, "chosen": False, "design": "audit-1"},
    "bundle_version": "9f86d081884c7d65",
    "policy_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "threshold_set": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
    "history_seq": 120417,
    "as_of": None,
    "exit": "full",
    "exit_certificate": "exit-72705b95a0adeee1",
    "familiarity": None,
    "arm": None,
    "cluster": None,
    "steered_seq": None,
    "record": 2,
}
LABEL: dict[str, Any] = {
    "ad_id": "ad-1001",
    "policy": "deceptive",
    "violates": True,
    "rater_id": "reviewer-12",
    "severity": "moderate",
    "source": "review",
    "labelled_at": "2026-03-01T11:02:00Z",
}
ERROR: dict[str, Any] = {
    "error": {
        "code": "invalid_input",
        "message": "not an ad",
        "field": "market",
        "value": "Sweden",
        "expected": "an ISO 3166-1 alpha-2 code such as SE",
        "mistakes": [{"field": "market", "value": "Sweden", "expected": "an ISO 3166-1 alpha-2 code such as SE"}],
        "request_id": "5f1d7a84db8e4cf6bba1d6c2b7ab9a0e",
    }
}
