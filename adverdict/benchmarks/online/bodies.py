"""Requests made of simulated ads, once, and stored for the load generator: it must not spend its time on JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adverdict.domain.ad import Ad
from adverdict.storage.whole import write_whole

REQUEST = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"


@dataclass(frozen=True)
class CyclingBodies:
    """Bodies that come round. ``span``: with every turn, ads are submitted that much later, so that the marketplace keeps its pace.

    ``ads``: an id, a time of submission and the rest of its JSON each; id None: the rest is the whole body.
    """

    ads: list[tuple[str | None, datetime, bytes]]
    span: timedelta

    def body(self, number: int) -> bytes:
        """Of the request with this number, from 0; no two of the same ``CyclingBodies`` have the same ad_id."""
        turn, place = divmod(number, len(self.ads))
        ad_id, submitted, rest = self.ads[place]
        if ad_id is None:
            return rest
        moment = (submitted + turn * self.span).isoformat()
        return f'{{"ad_id":"{ad_id}-{turn}","submitted_at":"{moment}",'.encode() + rest

    def requests(self, path: str, first: int) -> Iterator[bytes]:
        """HTTP requests from this number on, without end."""
        number, where = first, path.encode()
        while True:
            body = self.body(number)
            yield REQUEST % (where, len(body), body)
            number += 1


def read_bodies(path: Path) -> CyclingBodies:
    stored = json.loads(path.read_bytes())
    ads = [(one[0], datetime.fromtimestamp(one[1], UTC), one[2].encode()) for one in stored["ads"]]
    return CyclingBodies(ads, timedelta(seconds=stored["span_s"]))


def ads_for_service(ads: list[Ad], path: Path) -> Path:
    """For ``POST /v1/score``. ``path`` is written unless it is there."""
    if not path.is_file():
        moments = [ad.submitted_at.timestamp() for ad in ads]
        rows = [(ad.ad_id, ad.submitted_at.timestamp(), _rest(ad)) for ad in ads]
        _write(path, rows, max(moments) - min(moments) + 1.0)
    return path


def ads_for_mlflow(pack: Path, count: int, path: Path) -> Path:
    """The same ads for ``POST /invocations``, one row each, as ``mlflow models serve`` reads them."""
    if not path.is_file():
        import pandas as pd

        frame = pd.read_parquet(pack / "ads.parquet").head(count)
        texts = [frame.iloc[row : row + 1].to_json(orient="split", date_format="iso", index=False) for row in range(len(frame))]
        _write(path, [(None, 0.0, json.dumps({"dataframe_split": json.loads(text)})) for text in texts], 0.0)
    return path


def _rest(ad: Ad) -> str:
    return ad.model_dump_json(exclude_none=True, exclude={"ad_id", "submitted_at"})[1:]


def _write(path: Path, rows: list[Any], span_s: float) -> None:
    write_whole(path, json.dumps({"ads": rows, "span_s": span_s}))
