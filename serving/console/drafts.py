"""The page of a draft: what the policy files, another model or both would change and do; proposing it; and repairing what one has left.

All three are the command line's, in a process of its own: a draft opens models and decides weeks of ads again.
"""

from __future__ import annotations

import atexit
import hashlib
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from starlette.responses import RedirectResponse, Response

from adverdict.decisions.files.read import read_texts
from adverdict.decisions.policy import Thresholds
from adverdict.domain.errors import InvalidInput, InvalidPolicy, Mistake, NotFound
from adverdict.rollout.stages.plans import PLANS
from adverdict.serving.console.policies.rule import Asked, edited_texts
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

PAGE = f"{HOME}/rollouts"
PATIENCE = 4.0
"""Seconds a page waits for a draft; then it says that one is being made, and looks again."""
PROPOSING = 20.0
"""Seconds that whoever proposes waits; then the list is shown, in which it appears once it is on record."""
TRIED = ("policy", "of", "surface", "approve_below", "reject_at")
"""Thresholds tried on the page of a policy, ``of`` being the market: they are drafted as if the files had them."""
WHAT = {"policies": "the policy files", "model": "another model", "both": "both"}
FIELDS = ("what", "candidate", "market", "plan", *TRIED)
SHOWN = "draft.html"


def show(visit: Visit) -> Response:
    """The form, and what it comes to once it was sent."""
    asked = {name: visit.asked(name).strip() for name in FIELDS}
    able = visit.parts.drafts is not None
    values: dict[str, Any] = {"asked": asked, "plans": tuple(PLANS), "whats": WHAT, "able": able, "name": "", "tried": TRIED}
    if not asked["what"]:
        return visit.page(SHOWN, "Rollouts", told=None, making=False, why=None, **values)
    try:
        arguments = _arguments(asked)
        values["name"] = _name(visit, arguments, asked)
        folder = _folder(visit, asked)
        found = _planner(visit).get(values["name"], "draft", *folder, *arguments, patience=PATIENCE)
    except InvalidInput as error:
        return visit.page(SHOWN, "Rollouts", told=None, making=False, why=str(error), **values)
    return visit.page(SHOWN, "Rollouts", told=found.figures if found else None, making=found is None, why=None, **values)


def propose(visit: Visit) -> Response:
    """Put on record what was shown, unless it has changed since."""
    asked, why = {name: visit.field(name).strip() for name in FIELDS}, visit.field("why").strip()
    if not why:
        raise InvalidInput("nothing was proposed:", [Mistake("why", why, "a reason: it stays on record")])
    arguments = _arguments(asked)
    if visit.field("name") != _name(visit, arguments, asked):
        raise InvalidInput("nothing was proposed:", [Mistake("draft", "changed since it was shown", "what was shown: draft it again")])
    name = f"{visit.field('name')} {visit.session.name} {why}"
    done = _planner(visit).get(
        name, "propose", *_folder(visit, asked), *arguments, f"--why={why}", f"--by={visit.session.name}", patience=PROPOSING
    )
    return RedirectResponse(f"{PAGE}/{done.figures['rollout']}" if done else PAGE, status_code=303)


def repair(visit: Visit) -> Response:
    """Decide again what an aborted candidate approved."""
    its_id, rolling = visit.named("rollout"), visit.parts.rolling
    if visit.field("confirm").strip().lower() != "repair":
        raise InvalidInput("nothing was done:", [Mistake("confirm", visit.field("confirm"), "the word repair, typed")])
    if rolling is None:
        raise NotFound("Nothing can be repaired here.")
    rolling(["repair", its_id, f"--by={visit.session.name}"])
    return RedirectResponse(f"{PAGE}/{its_id}", status_code=303)


def _planner(visit: Visit) -> Any:
    if visit.parts.drafts is None:
        raise NotFound("Nothing can be drafted here.")
    return visit.parts.drafts


def _arguments(asked: dict[str, str]) -> list[str]:
    """Of the command. Raises InvalidInput with every mistake."""
    wrong = [Mistake("what", asked["what"], f"one of {', '.join(WHAT)}")] if asked["what"] not in WHAT else []
    if asked["what"] in ("model", "both") and not asked["candidate"]:
        wrong.append(Mistake("candidate", "", "an alias or a version of the registry, such as models:/adverdict@challenger"))
    if asked["plan"] not in PLANS:
        wrong.append(Mistake("plan", asked["plan"], f"one of {', '.join(PLANS)}; a plan of your own takes the command line"))
    if wrong:
        raise InvalidInput("this cannot be drafted:", wrong)
    found = [f"--plan={asked['plan']}"]
    if asked["what"] != "policies":
        found.append(f"--candidate={asked['candidate']}")
    if asked["what"] == "both":
        found.append("--own-files")
    return [*found, *(f"--market={one.upper()}" for one in asked["market"].replace(",", " ").split())]


def _tried(asked: dict[str, str]) -> Asked | None:
    """The thresholds that were tried on a policy's page; None: the files are drafted as they are. Raises InvalidInput."""
    if not asked["policy"]:
        return None
    try:
        thresholds = Thresholds(float(asked["approve_below"]), float(asked["reject_at"]))
    except (ValueError, InvalidPolicy):
        said = f"{asked['approve_below']}, {asked['reject_at']}"
        raise InvalidInput("this cannot be drafted:", [Mistake("thresholds", said, "0 <= approve_below <= reject_at <= 1")]) from None
    return Asked(asked["of"], asked["surface"] or None, asked["policy"], thresholds)


def _texts(visit: Visit, asked: dict[str, str]) -> dict[str, str]:
    """What the policy files would say. Raises InvalidInput or NotFound."""
    tried = _tried(asked)
    return read_texts(visit.parts.files) if tried is None else edited_texts(visit.parts, tried)


def _folder(visit: Visit, asked: dict[str, str]) -> list[str]:
    """The folder to draft, as the command takes it: none where it is the service's own.

    What was tried lies in a folder of its own, made once by what it says and gone when the worker ends.
    """
    if _tried(asked) is None:
        return []
    texts = _texts(visit, asked)
    kept: dict[str, str] = visit.request.app.state.drafted
    digest = hashlib.sha256("\0".join(f"{name}\n{text}" for name, text in sorted(texts.items())).encode()).hexdigest()
    if digest not in kept:
        made = mkdtemp(prefix="adverdict-draft-")
        atexit.register(shutil.rmtree, made, ignore_errors=True)
        for name, text in texts.items():
            (Path(made) / name).write_text(text, encoding="utf-8")
        kept[digest] = made
    return [kept[digest]]


def _name(visit: Visit, arguments: list[str], asked: dict[str, str]) -> str:
    """Of exactly what would be drafted: the arguments, what the files say, what is in force, and where the names of models lead."""
    texts = _texts(visit, asked)
    about = [*arguments, visit.parts.book.hash, *(f"{name}\n{text}" for name, text in sorted(texts.items()))]
    resolve = visit.parts.resolve
    about += [resolve(one.partition("=")[2]) for one in arguments if resolve and one.startswith("--candidate=")]
    return hashlib.sha256("\0".join(about).encode()).hexdigest()
