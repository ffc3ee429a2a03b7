"""Only what pyproject.toml cannot say: a checkout without symbolic links must not become a wheel without most of the product."""

import sys
from pathlib import Path

from setuptools import setup

LINKED = ("features", "models", "policies", "serving", "training")

broken = [name for name in LINKED if not (Path(__file__).parent / "adverdict" / name / "__init__.py").is_file()]
if broken:
    sys.exit(
        f"adverdict/ lacks {', '.join(broken)}: check the repository out with symbolic links "
        "(git config core.symlinks true), then build again"
    )

setup()
