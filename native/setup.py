"""One extension. Digits come first: nothing that lets the compiler reorder or fuse floating point."""

import sys
from pathlib import Path

import nanobind
from setuptools import Extension, setup

nanobind_home = Path(nanobind.include_dir()).parent
flags = (
    ["/std:c++17", "/O2", "/fp:strict"]
    if sys.platform == "win32"
    else ["-std=c++17", "-O3", "-fno-fast-math", "-ffp-contract=off", "-fvisibility=hidden", "-fno-strict-aliasing", "-g0"]
)

setup(
    ext_modules=[
        Extension(
            "adverdict_native._core",
            sources=["src/module.cpp", "src/nanobind.cpp"],
            include_dirs=[nanobind.include_dir(), nanobind.source_dir(), str(nanobind_home / "ext" / "robin_map" / "include")],
            depends=[f"src/{path.name}" for path in sorted((Path(__file__).parent / "src").glob("*.h"))],
            define_macros=[("NDEBUG", None), ("NB_COMPACT_ASSERTIONS", None)],
            extra_compile_args=flags,
            language="c++",
        )
    ]
)
