"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[list[Path], typer.Option("--data", help="Folder with ads.* and labels.* (Parquet, CSV or JSONL). Repeat for several.")]
Policies = Annotated[list[str] | None, typer.Option("--policy", help="Only this policy. Repeat for several; all labelled ones otherwise.")]
PolicyFiles = Annotated[
    Path | None,
    typer.Option("--policies", help="Folder of policy files; ADVERDICT_POLICIES, or the packaged ones, otherwise."),
]
Model = Annotated[
    str | None,
    typer.Option("--model", help="models:/adverdict@champion, models:/adverdict/3, or a folder; ADVERDICT_MODEL otherwise."),
]
Certificates = Annotated[
    Path | None,
    typer.Option("--certificates", help="certificates.json to decide by; ADVERDICT_CERTIFICATES, or the model's own, otherwise."),
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures here, for machines.")]
Encoder = Annotated[str, typer.Option("--encoder", help="minilm, a Hugging Face folder, the name of a model on this machine, or none.")]
Vectors = Annotated[
    str,
    typer.Option("--vectors", help="Word vectors: multilingual, minilm (English), a Hugging Face folder's token table, or none."),
]
Tune = Annotated[bool, typer.Option("--tune", help="Fine-tune the encoder's top as well: slow without a GPU.")]
EncoderEpochs = Annotated[int, typer.Option("--encoder-epochs", min=1, max=50, help="Most epochs of --tune; it stops earlier by itself.")]
EncoderPrefix = Annotated[str, typer.Option("--encoder-prefix", help='What the encoder expects before a text, such as "query: " for E5.')]
Device = Annotated[
    str, typer.Option("--device", help="Where the transformer runs: auto (a GPU of NVIDIA's where there is one), cpu, cuda or mps.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed and data give the same result.")]
CHAMPION = "models:/adverdict@champion"
RunFolderOption = Annotated[
    str, typer.Option("--out", metavar="OUT", help="Folder of the rescoring, or an address such as s3://bucket/folder.")
]
Memory = Annotated[str | None, typer.Option("--limit-memory", metavar="SIZE", help="Such as 4GiB, for all processes together.")]
Listed = Annotated[Path | None, typer.Option("--list", help="Write what stands now, ad by ad, here.")]
