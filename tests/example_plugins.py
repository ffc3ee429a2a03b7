"""The example package of plug-ins under ``docs/examples``, installed as anybody would install it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adverdict.domain import plugins

SOURCE = Path(__file__).parent.parent / "docs" / "examples" / "adverdict-example"


@pytest.fixture(scope="session")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was installed: nowhere that Python looks by itself."""
    import shutil

    made = tmp_path_factory.mktemp("example")
    source = shutil.copytree(SOURCE, made / "source")  # building leaves files in it
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(made / "installed")]
    done = subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return made / "installed"


@pytest.fixture
def example(example_folder: Path) -> Iterator[Path]:
    """Installed for this test alone."""
    sys.path.insert(0, str(example_folder))
    try:
        yield example_folder
    finally:
        sys.path.remove(str(example_folder))
        forget()


def forget() -> None:
    """What was loaded of it."""
    plugins._loaded.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "adverdict_example"]:
        del sys.modules[name]
