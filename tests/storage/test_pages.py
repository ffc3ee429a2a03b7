"""Pages share one palette and one frame, and ask for nothing that these do not have."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from adverdict.serving.console.rendering import statics
from adverdict.storage.pages import FONTS, PALETTE, environment, variables

PAGES = {"training.pages": "report.html", "rollout.pages": "certificates.html", "rescoring.diff": "diff.html"}


def source(package: str, name: str) -> str:
    return files(f"adverdict.{package}").joinpath(name).read_text(encoding="utf-8")


@pytest.mark.parametrize(("package", "name"), [*PAGES.items(), ("storage", "page.html"), ("serving.console", "static/console.css")])
def test_every_variable_of_a_style_sheet_is_in_the_palette_and_no_colour_is_given_elsewhere(package: str, name: str) -> None:
    text = source(package, name)
    assert set(re.findall(r"var\(--([a-z-]+)\)", text)) <= {*PALETTE, *FONTS}
    assert re.findall(r":\s*#[0-9a-fA-F]{3,8}\b", text) == []


def test_a_reader_who_prefers_the_dark_gets_every_colour_dark() -> None:
    light, dark = variables().split("@media (prefers-color-scheme: dark)")
    for name, colour in PALETTE.items():
        assert f"--{name}: {colour.light};" in light
        assert f"--{name}: {colour.dark};" in dark


def test_the_console_is_served_the_palette() -> None:
    content, kind = statics()["console.css"]
    assert content.startswith(variables().encode())
    assert kind == "text/css; charset=utf-8"


@pytest.mark.parametrize(("package", "name"), PAGES.items())
def test_every_page_that_stands_alone_has_the_one_frame(package: str, name: str) -> None:
    assert source(package, name).startswith('{% extends "page.html" %}')


def test_what_a_page_is_given_is_escaped_and_what_is_missing_is_an_error() -> None:
    templates = environment("adverdict.storage", {"loud": str.upper})
    assert templates.from_string("{{ word | loud }}").render(word="<b>") == "&lt;B&gt;"
    with pytest.raises(Exception, match="'word' is undefined"):
        templates.from_string("{{ word }}").render()
    assert templates.get_template("page.html").render().startswith("<!doctype html>")
