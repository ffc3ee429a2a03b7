"""``adverdict rescore``: look again at every live ad, say what would flip, and only then apply it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Look again at every live ad: rescore, compare, apply, undo.", invoke_without_command=True)

CHAMPION = "models:/adverdict@champion"
Out = Annotated[str, typer.Option("--out", metavar="OUT", help="Folder of the rescoring, or an address such as s3://bucket/folder.")]
Memory = Annotated[str | None, typer.Option("--limit-memory", metavar="SIZE", help="Such as 4GiB, for all processes together.")]
Listed = Annotated[Path | None, typer.Option("--list", help="Write what stands now, ad by ad, here.")]


@app.callback()
def rescore(
    context: typer.Context,
    ads: Annotated[str | None, typer.Option("--ads", metavar="PATH", help="Live ads as Parquet: file, folder, pattern or address.")] = None,
    out: Annotated[str | None, typer.Option("--out", metavar="OUT", help="Folder to write, or an address; must be empty.")] = None,
    model: Annotated[
        str, typer.Option("--model", help="models:/adverdict@champion, models:/adverdict/3, or a bundle's folder.")
    ] = CHAMPION,
    engine: Annotated[str, typer.Option("--engine", metavar="local|ray", help="Processes here, or a Ray cluster (RAY_ADDRESS).")] = "local",
    history: Annotated[
        Path | None, typer.Option("--history", help="Folder with ads.* and labels.*: all that is known; the ledger otherwise.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="TIME", help="Look at the ads as if submitted again then; now otherwise.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only ads submitted then or later.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in OUT.")] = False,
    workers: Annotated[int | None, typer.Option("--workers", min=1, max=4096, help="Processes; one a core otherwise.")] = None,
    limit_memory: Memory = None,
    policy_files: Annotated[
        Path | None, typer.Option("--policies", help="Folder of policy files; those that come with Adverdict otherwise.")
    ] = None,
    certificates: Annotated[
        Path | None, typer.Option("--certificates", help="certificates.json to decide by; those of the registered model otherwise.")
    ] = None,
    rows_per_shard: Annotated[
        int, typer.Option("--rows-per-shard", min=1, max=1_000_000, help="Ads that are decided, published and resumed as one.")
    ] = 8192,
) -> None:
    """Decide every live ad again by a model and policies; changes nothing that stands. Then: diff, apply, undo."""
    if context.invoked_subcommand is not None:
        if any(not _usual(context, name) for name in context.params):
            raise typer.BadParameter(f"options of 'rescore' come after '{context.invoked_subcommand}', or belong to it alone")
        return
    from adverdict.cli.rescore import run as rescore_run

    rescore_run.rescore(
        rescore_run.Told(
            ads=ads,
            out=out,
            model=model,
            engine=engine,
            history=history,
            as_of=as_of,
            since=since,
            resume=resume,
            workers=workers,
            limit_memory=limit_memory,
            policies=policy_files,
            certificates=certificates,
            rows_per_shard=rows_per_shard,
        )
    )


def _usual(context: typer.Context, name: str) -> bool:
    """Whether nobody said anything of this option."""
    source = context.get_parameter_source(name)
    return source is None or source.name in ("DEFAULT", "DEFAULT_MAP")


@app.command("diff")
def diff_command(
    out: Out,
    against: Annotated[str | None, typer.Option("--against", metavar="OUT", help="Another rescoring; the ledger otherwise.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")] = None,
    page: Annotated[Path | None, typer.Option("--page", help="Write them here as one HTML page.")] = None,
    handling_seconds: Annotated[
        float, typer.Option("--handling-seconds", min=0.1, max=86_400, help="A reviewer's time for one ad, where none is on record.")
    ] = 45.0,
    limit_memory: Memory = None,
) -> None:
    """Say what a rescoring would change of what stands, and how much of it people would have to review."""
    from adverdict.cli.rescore import diff as rescore_diff

    rescore_diff.diff(out=out, against=against, json=json, page=page, handling_seconds=handling_seconds, limit_memory=limit_memory)


@app.command("apply")
def apply_command(
    out: Out,
    market: Annotated[list[str] | None, typer.Option("--market", help="Only this market. Repeat for several.")] = None,
    only: Annotated[str | None, typer.Option("--only", metavar="VERDICT", help="Only changes to approve, review or reject.")] = None,
    most: Annotated[int | None, typer.Option("--max", min=1, help="At most so many changes in this step.")] = None,
    listed: Listed = None,
) -> None:
    """Put a rescoring's changes into force, in one step that can be undone."""
    from adverdict.cli.rescore import apply as rescore_apply

    rescore_apply.apply(out=out, market=market or [], only=only, most=most, listed=listed)


@app.command("undo")
def undo_command(
    step: Annotated[str, typer.Option("--step", help="The step to take back, as 'adverdict rescore apply' printed it.")],
    why: Annotated[str, typer.Option("--why", help="Kept on record.")],
    listed: Listed = None,
) -> None:
    """Take back a step that was applied: what stood before stands again."""
    from adverdict.cli.rescore import apply as rescore_apply

    rescore_apply.undo(step=step, why=why, listed=listed)
