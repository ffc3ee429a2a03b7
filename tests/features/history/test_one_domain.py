"""A domain's past is one past, under whatever name it was used, and in a snapshot from before that."""

from __future__ import annotations

import pyarrow as pa

from adverdict.features.history.snapshot import from_table, to_table
from adverdict.features.history.state import HistoryState
from tests.features.worlds import an_ad

WRITTEN = ["lure.example", "www.lure.example", "https://lure.example/", "LURE.example:443"]


def used(domains: list[str]) -> HistoryState:
    state = HistoryState()
    state.observe_ads(an_ad(f"a{n}", advertiser_id=f"v{n}", landing_domain=domain) for n, domain in enumerate(domains))
    return state


def test_ads_that_lead_to_one_domain_share_its_past() -> None:
    assert [*used(WRITTEN).timelines["domain"]] == ["lure.example"]
    assert used(WRITTEN).distinct["domain_advertisers"]["lure.example"].before(2**62) == len(WRITTEN)


def test_spellings_in_an_old_snapshot_become_one_domain() -> None:
    table = to_table(used(["lure.example", "shop.example"]))
    old = pa.compute.replace_substring(table["key"], "shop.example", "www.lure.example")
    members = table["things"].combine_chunks()
    things = pa.ListArray.from_arrays(members.offsets, pa.compute.replace_substring(members.flatten(), "shop.example", "www.lure.example"))
    back = from_table(table.set_column(1, table.schema.field("key"), old).set_column(5, table.schema.field("things"), things))
    assert back.timelines["domain"]["lure.example"].before(2**62, [])[4] == 2
    assert back.distinct["domain_advertisers"]["lure.example"].before(2**62) == 2
    assert set(back.distinct["advertiser_domains"]) == {"v0", "v1"}
