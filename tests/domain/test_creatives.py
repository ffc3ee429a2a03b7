"""Settings of creatives say where they may come from, and are refused with what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from adverdict.domain.creatives import folders_of, hosts_of, link_of, link_to, stores_of
from tests.ledger.made import an_ad


def test_hosts_are_names_with_a_wildcard_or_a_port() -> None:
    assert hosts_of(" CDN.example.com, *.ads.example.com:8443 ,") == ("cdn.example.com", "*.ads.example.com:8443")
    assert hosts_of("") == ()


@pytest.mark.parametrize(
    "told", ["https://cdn.example", "127.0.0.1", "2130706433", "[::1]", "*", "*.*.example.com", "localhost", "cdn.example/a", "a b.c"]
)
def test_addresses_of_numbers_and_what_is_no_host_are_refused(told: str) -> None:
    with pytest.raises(ValueError, match="names of hosts"):
        hosts_of(told)


def test_folders_exist_and_are_not_the_whole_disk(tmp_path: Path) -> None:
    assert folders_of(f"{tmp_path}") == (str(tmp_path),)
    for told in ("/", "relative", "/no/such/folder", f"{tmp_path}:/"):
        with pytest.raises(ValueError, match="whole paths"):
            folders_of(told)


def test_stores_hold_no_password_and_are_no_web_address() -> None:
    assert stores_of("s3://bucket/creatives/, gs://other") == ("s3://bucket/creatives", "gs://other")
    for told in ("https://bucket", "file:///etc", "s3://key:secret@bucket", "bucket"):
        with pytest.raises(ValueError, match="object stores"):
            stores_of(told)


def test_a_link_leads_to_a_fixed_host_whatever_an_ad_says() -> None:
    template = link_of("https://ads.example/c/{creative_id}?m={market}")
    ad = an_ad(1, creative_id="../x&y=<script>")
    assert link_to(template, ad) == f"https://ads.example/c/..%2Fx%26y%3D%3Cscript%3E?m={ad.market}"
    assert link_to(template, an_ad(1, creative_id=None)) is None
    assert link_to("", ad) is None
    for told in (
        "http://ads.example/{ad_id}",
        "https://{ad_id}.example/",
        "https://ads.example/{title}",
        "https://ads.example/{ad_id",
        "javascript:{ad_id}",
    ):
        with pytest.raises(ValueError, match="https address"):
            link_of(told)
