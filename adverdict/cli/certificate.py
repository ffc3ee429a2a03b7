"""``adverdict certificate``: whether what was certified still holds, by the audits of the ads it decides."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from adverdict.cli.door import door, ledger_of
from adverdict.cli.options import Json, Model, PolicyFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adverdict.review.quality.standing import CertificateStanding

app = typer.Typer(help="Watch certificates: what the audits of the ads they approve say of them.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """So that a command of its own name is asked for, though there is only one."""


@app.command("watch")
def watch_command(
    model: Model = None,
    policy_files: PolicyFiles = None,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    every: Annotated[float, typer.Option("--every", min=1, max=86_400, help="Seconds between looks.")] = 60.0,
    json: Json = None,
) -> None:
    """Tell how the certificates in force stand, and revoke those that the audits speak against, as the service does every minute."""
    from adverdict.cli.console import out, write_json

    with door(model=model, policies=policy_files) as settings:
        from adverdict.review.quality.watching import AuditLog, watch
        from adverdict.scoring.bootstrap import bootstrap

        installation, log = bootstrap(settings), AuditLog()
        with ledger_of(settings) as ledger:
            while True:
                issued = installation.find().issued(installation.in_force().hash)
                if issued is None:
                    out.print("nothing is certified here: adverdict policy solve")
                found = watch(ledger, issued.certificates if issued else (), log)
                show_standings(found)
                if json:
                    write_json(json, {"certificates": [one.to_json() for one in found]})
                if once:
                    return
                time.sleep(every)


def show_standings(found: Sequence[CertificateStanding]) -> None:
    """Those the audits speak against first, then the doubted ones."""
    from adverdict.cli.console import out

    if not found:
        return
    for one in sorted(found, key=lambda one: (-one.evidence_against, one.policy)):
        where = ", ".join(one.markets)
        line = f"{one.certificate_id}  {one.policy} in {where}: {one.standing} since {one.since:%Y-%m-%d}"
        out.print(line, highlight=False, markup=False, soft_wrap=True)
        out.print(f"  {one.sentence}", highlight=False, markup=False, soft_wrap=True)
        against = f"evidence against {one.evidence_against:.3g} ({one.revoked_at:.3g} revokes)"
        waiting = f"; {one.open:,} audits still to be read" if one.open else ""
        out.print(
            f"  {against}, for {one.evidence_for:.3g} ({one.shown_at:.3g} shows it){waiting}", highlight=False, markup=False, soft_wrap=True
        )
