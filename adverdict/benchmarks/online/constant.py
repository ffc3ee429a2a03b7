"""The least a Python service can do: a bare FastAPI application that answers every ad with the same words."""

from __future__ import annotations

from fastapi import FastAPI

app = FastAPI()


@app.post("/v1/score")
async def score() -> dict[str, str]:
    return {"verdict": "approve"}


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ready"}
