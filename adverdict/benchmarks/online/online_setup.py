"""What the service is measured on: simulated ads, a bundle with an encoder and one without, rules that decide, and where to put it all."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adverdict.benchmarks.online.bodies import ads_for_mlflow, ads_for_service
from adverdict.benchmarks.online.servers import Server, constant, mlflow, service
from adverdict.benchmarks.shared.beside import save_pyfunc
from adverdict.benchmarks.shared.certified_exit import CERTIFIED_ON, CertifiedExit, certificate_of
from adverdict.benchmarks.shared.testbed import SimulatedTestBed, has_encoder
from adverdict.domain.errors import InvalidInput, NotFound
from adverdict.models.manifest import version_of
from adverdict.storage.whole import making_folder

Figures = dict[str, Any]
Write = Callable[[Figures], None]
Advance = Callable[[], None]


@dataclass(frozen=True)
class OnlineSetup:
    """``ads``: how many, before they come round. ``policies``: files to decide by; rules with thresholds set by hand when None.
    ``certificates``: to decide and to leave the models early by; without, the exit of a bundle that has one is certified here on
    ``certified_on`` ads, as ``adverdict benchmark batch`` does."""

    testbed: SimulatedTestBed
    ads: int
    certified_on: int = CERTIFIED_ON
    policies: Path | None = None
    certificates: Path | None = None
    certified: dict[Path, Path | str] = field(default_factory=dict)
    """Of bundles: what was certified here, or why nothing could be."""
    standing: dict[Path, Server] = field(default_factory=dict)
    """Services that go on running, by their bundles."""
    running: ExitStack = field(default_factory=ExitStack)

    @property
    def encoder(self) -> bool:
        """Whether the bundle that stands for what is served has one: the given one, or one with an encoder."""
        return self.testbed.model is None or has_encoder(self.testbed.model)

    def main(self) -> Path:
        return self.testbed.bundle(self.encoder)

    def quickest(self) -> Path:
        """The given bundle, or one without an encoder: where it is not the model that is measured."""
        return self.testbed.model or self.testbed.bundle(False)

    def rules(self, bundle: Path) -> Path:
        return self.policies or self.testbed.rules(bundle, self.pack())

    def certificates_for(self, bundle: Path) -> Path | None:
        """To serve this bundle with; None: every ad goes all the way."""
        found = self._certified(bundle)
        return found if isinstance(found, Path) else None

    def exit(self, bundle: Path) -> Figures:
        """``certificate`` of the exit that this bundle is served with (its limit, what it promises, on how many ads), or ``why_none``."""
        found = self._certified(bundle)
        if not isinstance(found, Path):
            return {"certificate": None, "why_none": found}
        certificate = certificate_of(bundle, self.rules(bundle), found)
        return {"certificate": certificate, "why_none": None if certificate else "the certificates carry no early exit for this bundle"}

    def _certified(self, bundle: Path) -> Path | str:
        """The file, or why there is none."""
        if self.certificates is not None:
            return self.certificates
        if bundle not in self.certified:
            exits = CertifiedExit(self.testbed, self.certified_on, by_hand=self.policies is None)
            try:
                self.certified[bundle] = exits.of(bundle, self.rules(bundle))
            except (NotFound, InvalidInput) as error:
                self.certified[bundle] = str(error)
        return self.certified[bundle]

    def pack(self) -> Path:
        return self.testbed.ads(self.ads)

    def bodies(self) -> Path:
        """Of the service."""
        path = self.testbed.folder / f"bodies-service-{self.ads}.json"
        if path.is_file():
            return path
        from adverdict.storage.tables.pack import read_ads

        return ads_for_service(read_ads(self.pack())[: self.ads], path)

    def mlflow_bodies(self) -> Path:
        return ads_for_mlflow(self.pack(), self.ads, self.testbed.folder / f"bodies-mlflow-{self.ads}.json")

    def pyfunc(self, bundle: Path) -> Path:
        """The bundle as an MLflow model."""
        path = self.testbed.folder / f"pyfunc-{told(bundle)['version']}"
        if not path.exists():
            with making_folder(path) as work:
                save_pyfunc(bundle, work)
        return path

    def service(self, bundle: Path, *, workers: int = 1, untuned: bool = False, patient: bool = False) -> AbstractContextManager[Server]:
        """Ours, serving this bundle. Raises Unavailable."""
        rules = self.rules(bundle)
        how: Any = {"certificates": self.certificates_for(bundle), "workers": workers, "untuned": untuned, "patient": patient}
        return service(bundle, rules, self.bodies(), self.home(), **how)

    def kept(self, bundle: Path) -> Server:
        """Ours, as anybody has it, for one part after the other: it goes on running until ``stop``. Raises Unavailable."""
        if bundle not in self.standing:
            self.standing[bundle] = self.running.enter_context(self.service(bundle))
        return self.standing[bundle]

    def stop(self) -> None:
        """Whatever goes on running."""
        self.standing.clear()
        self.running.close()

    def mlflow(self, bundle: Path, *, workers: int = 1) -> AbstractContextManager[Server]:
        """``mlflow models serve`` of the same bundle. Raises Unavailable."""
        return mlflow(self.pyfunc(bundle), self.mlflow_bodies(), self.home(), workers=workers)

    def constant(self, *, workers: int = 1, plain: bool = False) -> AbstractContextManager[Server]:
        """A bare FastAPI, asked the same as ours. Raises Unavailable. ``plain``: without httptools and uvloop."""
        return constant(self.bodies(), self.home(), workers=workers, plain=plain)

    def home(self) -> Path:
        return self.testbed.home("online")


def told(bundle: Path) -> Figures:
    """Which bundle it was."""
    raw = (bundle / "manifest.json").read_bytes()
    manifest = json.loads(raw)
    return {"version": version_of(raw), "encoder": manifest.get("encoder") is not None, "policies": len(manifest["policies"])}
