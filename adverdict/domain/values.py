"""What the text of a setting may be: each takes it as written and gives what is kept, or raises ValueError with what was expected."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, ValidationInfo

PREFIX = "ADVERDICT_"
TRACKING_URI = "MLFLOW_TRACKING_URI"


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return TRACKING_URI if field == "tracking_uri" else PREFIX + field.upper()


def ip(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    ip_address(host)
    return host


def at_home(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("a path without ~, which stands for nobody's folder here") from None


def absolute(path: Path) -> Path:
    """The server changes its working directory; a relative path must not move with it."""
    return at_home(path).resolve()


def anchored(url: str) -> str:
    """The same of an address."""
    if url in ("sqlite://", "sqlite:///", "sqlite:///:memory:"):
        raise ValueError("sqlite:///PATH: what is only in memory is lost, and every process has its own")
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        return f"sqlite:///{absolute(Path(url.removeprefix('sqlite:///')))}"
    return url


def secret(text: str) -> str:
    digits = re.fullmatch("([0-9a-fA-F]{2}){16,64}", text)
    if text and not digits:
        raise ValueError("32 to 128 hexadecimal digits, such as openssl rand -hex 32 prints")
    return text


def receiver(url: str, told: ValidationInfo) -> str:
    if not url:
        return url
    address = urlsplit(url)
    here = address.hostname in ("localhost", "127.0.0.1", "::1")
    if not address.hostname or not (address.scheme == "https" or (address.scheme == "http" and here)):
        raise ValueError("an https address; http only of this machine")
    secret = f"{str(told.field_name).removesuffix('_url')}_secret"
    if not told.data.get(secret):
        raise ValueError(f"a secret beside it, in {variable(secret)}, such as openssl rand -hex 32 prints")
    return url


def plugin_name(name: str) -> str:
    if name and not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise ValueError("the name of an entry point of adverdict.translators: small letters, digits and _")
    return name


def names_of(text: str) -> tuple[str, ...]:
    """Names of plug-ins, separated by commas. Raises ValueError saying what was expected."""
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not all(re.fullmatch("[a-z][a-z0-9_]*", name) for name in names) or len({*names}) < len(names):
        raise ValueError("names of entry points of adverdict.sinks, each once, separated by commas: small letters, digits and _")
    return names


def language_tag(tag: str) -> str:
    if not re.fullmatch("[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", tag):
        raise ValueError("a BCP 47 tag such as en or pt-BR")
    return tag


def checked(read: Callable[[str], object]) -> AfterValidator:
    """Text that can be read in this way, kept as it is written."""

    def check(text: str) -> str:
        read(text)
        return text

    return AfterValidator(check)


def existing(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("a folder that exists")
    return path


def file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("a file that exists")
    return path


def blank_is_default(value: Any) -> Any:
    return None if value == "" else value


def model_at_home(model: str) -> str:
    return str(at_home(Path(model))) if model.startswith("~") else model
