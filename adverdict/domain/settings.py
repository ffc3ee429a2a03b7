"""The environment, read once at the edge and cast. Every mistake is reported at once, with its key and value."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.keys import ApiKey, parse_keys

PREFIX = "ADVERDICT_"
NO_LEDGER = "none"
KEYS_FILE = "ADVERDICT_API_KEYS_FILE"
TRACKING_URI = "MLFLOW_TRACKING_URI"
MLFLOW_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
"""MLflow's own defaults retry a dead server for minutes."""


def _ip(host: str) -> str:
    if host == "localhost":
        return "127.0.0.1"
    ip_address(host)
    return host


def _absolute(path: Path) -> Path:
    """The server changes its working directory; a relative path must not move with it."""
    return path.expanduser().resolve()


def _existing(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("a folder that exists")
    return path


def _file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("not a file")
    return path


def _blank_is_default(value: Any) -> Any:
    return None if value == "" else value


Folder = Annotated[Path, AfterValidator(_absolute)]
ExistingFile = Annotated[Path, AfterValidator(_absolute), AfterValidator(_file)]
ExistingFolder = Annotated[Path, AfterValidator(_absolute), AfterValidator(_existing)]


class Settings(BaseModel):
    """What the operator chose. Field ``x`` is environment variable ``ADVERDICT_X``, except ``tracking_uri``."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    home: Folder = Field(default=Path("var"), description="local state: mlflow.db, downloaded bundles")
    model: str = Field(
        default="models:/adverdict@champion", min_length=1, description="model to serve: a registry name, or a bundle's folder"
    )
    policies: Annotated[ExistingFolder | None, BeforeValidator(_blank_is_default)] = Field(
        default=None, description="folder of policy files; the packaged ones unless given"
    )
    certificates: Annotated[ExistingFile | None, BeforeValidator(_blank_is_default)] = Field(
        default=None, description="certificates.json to decide by; those of the registered model unless given"
    )
    api_keys: tuple[ApiKey, ...] = Field(default=(), description="name:scope+scope:sha256, comma separated; none: only loopback is served")
    poll_seconds: float = Field(default=5.0, gt=0, le=3600, allow_inf_nan=False, description="seconds between looks at the registry")
    host: Annotated[str, AfterValidator(_ip)] = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8377, ge=1, le=65535, description="port to listen on")
    workers: int = Field(default=1, ge=1, le=256, description="processes; each loads the bundle and polls the registry")
    max_body_bytes: int = Field(default=2_000_000, ge=1_000, le=1_000_000_000, description="largest request body accepted")
    max_wait_ms: float = Field(
        default=250.0, gt=0, le=60_000, allow_inf_nan=False, description="predicted milliseconds in line beyond which a request is refused"
    )
    database_url: str = Field(
        default="",
        description="the ledger: sqlite:///PATH or postgresql://…; sqlite:///HOME/ledger.db unless given; none: nothing is recorded",
    )
    review_lease_seconds: float = Field(
        default=900.0, ge=10, le=86_400, allow_inf_nan=False, description="how long a reviewer holds a task"
    )
    review_double_share: float = Field(default=0.05, ge=0, le=1, description="share of reviewed ads that two reviewers read blind")
    review_golden_share: float = Field(default=0.03, ge=0, le=1, description="share of a reviewer's tasks whose answer is known")
    tracking_uri: str = Field(default="", description="MLflow tracking server or database; sqlite:///HOME/mlflow.db unless given")

    @property
    def registry_uri(self) -> str:
        """Never relative: the server changes its working directory."""
        uri = self.tracking_uri or f"sqlite:///{self.home / 'mlflow.db'}"
        if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
            return f"sqlite:///{_absolute(Path(uri.removeprefix('sqlite:///')))}"
        return uri

    @property
    def ledger_url(self) -> str | None:
        """Where decisions are recorded; None: nowhere. Never relative."""
        if self.database_url == NO_LEDGER:
            return None
        url = self.database_url or f"sqlite:///{self.home / 'ledger.db'}"
        if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
            return f"sqlite:///{_absolute(Path(url.removeprefix('sqlite:///')))}"
        return url

    @property
    def cache(self) -> Path:
        """Where downloaded bundles live."""
        return self.home / "bundles"


def known_keys() -> tuple[str, ...]:
    """Every environment variable that is read, in the order of ``Settings``."""
    return (*(_key(field) for field in Settings.model_fields), KEYS_FILE)


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from an environment such as ``os.environ``. Raises InvalidSettings with every mistake."""
    wrong = _unknown(environment)
    values: dict[str, Any] = {field: environment[_key(field)] for field in Settings.model_fields if environment.get(_key(field))}
    values["api_keys"] = _keys(environment, wrong)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        wrong += [Mistake(_key(str(e["loc"][0])), e["input"], _expected(str(e["loc"][0]), e)) for e in error.errors()]
        raise InvalidSettings("the settings cannot be used:", wrong) from None
    if wrong:
        raise InvalidSettings("the settings cannot be used:", wrong)
    return settings


def use_registry(settings: Settings) -> None:
    """Point MLflow of this process at the registry the settings name, with limits that suit a service: fail soon, ask again later."""
    os.environ[TRACKING_URI] = settings.registry_uri
    for key, value in MLFLOW_DEFAULTS.items():
        os.environ.setdefault(key, value)


def _key(field: str) -> str:
    return TRACKING_URI if field == "tracking_uri" else PREFIX + field.upper()


def _keys(environment: Mapping[str, str], wrong: list[Mistake]) -> tuple[ApiKey, ...]:
    """Keys from the variable and the file together; the values of wrong entries are not repeated, they may be secrets."""
    found = parse_keys(environment.get("ADVERDICT_API_KEYS", "").split(","), "ADVERDICT_API_KEYS", wrong)
    file = environment.get(KEYS_FILE)
    if file:
        try:
            found += parse_keys(Path(file).read_text(encoding="utf-8").splitlines(), KEYS_FILE, wrong)
        except (OSError, UnicodeDecodeError) as error:
            wrong.append(Mistake(KEYS_FILE, file, f"a readable text file ({error.__class__.__name__})"))
    names = [key.name for key in found]
    wrong += [Mistake("ADVERDICT_API_KEYS", name, "each name once") for name in sorted({n for n in names if names.count(n) > 1})]
    return tuple(found)


def _unknown(environment: Mapping[str, str]) -> list[Mistake]:
    known = known_keys()
    names = [key.removeprefix(PREFIX) for key in known]  # compared without the prefix, which makes everything look alike
    wrong = []
    for key in sorted(k for k in environment if k.startswith(PREFIX) and k not in known):
        close = [PREFIX + name for name in difflib.get_close_matches(key.removeprefix(PREFIX), names, n=1)]
        wrong.append(
            Mistake(key, environment[key], f"a known setting; did you mean {close[0]}?" if close else f"one of {', '.join(known)}")
        )
    return wrong


def _expected(field: str, error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if field == "host":
        return "an IP address, or localhost"
    if kind in ("int_parsing", "int_from_float"):
        return "a whole number"
    if kind == "float_parsing":
        return "a number"
    if kind == "value_error":
        return str(context["error"])
    return str(error["msg"]).replace("Input should be ", "")
