"""The page of a draft: what the policy files, another model or both would change and do; proposing it; and repairing what one has left.

All three are the command line's, in a process of its own: a draft opens models and decides weeks of ads again.
"""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.responses import RedirectResponse, Response

from adverdict.decisions.files.read import read_texts
from adverdict.domain.errors import InvalidInput, Mistake, NotFound
from adverdict.rollout.stages.plans import PLANS
from adverdict.serving.console.rendering import HOME
from adverdict.serving.console.visits import Visit

PAGE = f"{HOME}/rollouts"
PATIENCE = 4.0
"""Seconds a page waits for a draft; then it says that one is being made, and looks again."""
PROPOSING = 20.0
"""Seconds that whoever proposes waits; then the list is shown, in which it appears once it is on record."""
WHAT = {"policies": "the policy files", "model": "another model", "both": "both"}
FIELDS = ("what", "candidate", "market", "plan")
SHOWN = "draft.html"


def show(visit: Visit) -> Response:
    """The form, and what it comes to once it was sent."""
    asked = {name: visit.asked(name).strip() for name in FIELDS}
    able = visit.parts.drafts is not None
    values: dict[str, Any] = {"asked": asked, "plans": tuple(PLANS), "whats": WHAT, "able": able, "name": ""}
    if not asked["what"]:
        return visit.page(SHOWN, "Rollouts", told=None, making=False, why=None, **values)
    try:
        arguments = _arguments(asked)
        values["name"] = _name(visit, arguments)
        found = _planner(visit).get(values["name"], "draft", *arguments, patience=PATIENCE)
    except InvalidInput as error:
        return visit.page(SHOWN, "Rollouts", told=None, making=False, why=str(error), **values)
    return visit.page(SHOWN, "Rollouts", told=found.figures if found else None, making=found is None, why=None, **values)


def propose(visit: Visit) -> Response:
    """Put on record what was shown, unless it has changed since."""
    asked, why = {name: visit.field(name).strip() for name in FIELDS}, visit.field("why").strip()
    if not why:
        raise InvalidInput("nothing was proposed:", [Mistake("why", why, "a reason: it stays on record")])
    arguments = _arguments(asked)
    if visit.field("name") != _name(visit, arguments):
        raise InvalidInput("nothing was proposed:", [Mistake("draft", "changed since it was shown", "what was shown: draft it again")])
    name = f"{visit.field('name')} {visit.session.name} {why}"
    done = _planner(visit).get(name, "propose", *arguments, f"--why={why}", f"--by={visit.session.name}", patience=PROPOSING)
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


def _name(visit: Visit, arguments: list[str]) -> str:
    """Of exactly what would be drafted: the arguments, what the files say, what is in force, and where the names of models lead."""
    texts = read_texts(visit.parts.files)
    about = [*arguments, visit.parts.book.hash, *(f"{name}\n{text}" for name, text in sorted(texts.items()))]
    resolve = visit.parts.resolve
    about += [resolve(one.partition("=")[2]) for one in arguments if resolve and one.startswith("--candidate=")]
    return hashlib.sha256("\0".join(about).encode()).hexdigest()
