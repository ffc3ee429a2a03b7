"""What a bundle does to the process that reads it is found out in another one."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path

import pytest

from adverdict.domain.errors import MissingPlugin, UntrustedBundle
from adverdict.models.manifest import NAME
from adverdict.serving.worker.trial import WRONG, BundleTrial, try_out


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "bundle"
    made.mkdir()
    (made / NAME).write_text("{}")
    return made


def trial(cache: Path, code: str) -> BundleTrial:
    return BundleTrial(cache, (sys.executable, "-c", code))


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", r"ended the process that tried it \(SIGSEGV\)"),
        ("import os; os.abort()", r"ended the process that tried it \(SIGABRT\)"),
        (
            f"import sys; sys.stderr.write('noise\\n' + {json.dumps({'code': 'other', 'message': 'no model'})!r} + '\\n'); sys.exit(3)",
            "^no model$",
        ),
        ("import os; os._exit(1)", "ended with status 1"),
    ],
)
def test_a_bundle_that_ends_its_process_is_refused_in_words_every_time(code: str, told: str, folder: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(UntrustedBundle, match=told):
            trial(tmp_path, code)(folder)


def test_a_bundle_whose_plug_ins_are_missing_is_refused_as_such_with_all_their_names(folder: Path, tmp_path: Path) -> None:
    def missing(_: Path) -> None:
        raise MissingPlugin("the model needs plug-ins:\n  - signal `one`\n  - component `two`")

    said = StringIO()
    with redirect_stderr(said):
        assert try_out(folder, missing) == WRONG
    with pytest.raises(MissingPlugin, match=r"`one`\n.*`two`$"):
        trial(tmp_path, f"import sys; sys.stderr.write({said.getvalue()!r}); sys.exit({WRONG})")(folder)


def test_a_sound_one_is_tried_once_and_another_content_anew(folder: Path, tmp_path: Path) -> None:
    counting = trial(tmp_path, f"open({str(tmp_path / 'count')!r}, 'a').write('x')")
    counting(folder)
    counting(folder)
    assert (tmp_path / "count").read_text() == "x"
    (folder / NAME).write_text('{"other": 1}')
    counting(folder)
    assert (tmp_path / "count").read_text() == "xx"


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(UntrustedBundle, match=r"no manifest\.json that can be read"):
        BundleTrial(tmp_path)(tmp_path / "nowhere")
