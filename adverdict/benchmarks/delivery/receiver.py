"""A receiver on this machine that remembers what it was told, in which order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread


class Witness:
    """What came: (ad, number of the change), as it came."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self._lock = Lock()

    def hear(self, body: bytes) -> None:
        changes = json.loads(body)["changes"]
        with self._lock:
            self.told += [(one["ad_id"], one["seq"]) for one in changes]

    def lost(self, wanted: set[int]) -> int:
        """Changes that never came."""
        return len(wanted - {seq for _, seq in self.told})

    @property
    def repeated(self) -> int:
        return len(self.told) - len(set(self.told))

    @property
    def out_of_order(self) -> int:
        """Changes that came for the first time after a later one of the same ad."""
        latest: dict[str, int] = {}
        seen: set[int] = set()
        wrong = 0
        for ad, seq in self.told:
            wrong += seq not in seen and seq < latest.get(ad, 0)
            seen.add(seq)
            latest[ad] = max(latest.get(ad, 0), seq)
        return wrong


@contextmanager
def listening(witness: Witness) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            witness.hear(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/changes"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
