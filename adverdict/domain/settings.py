"""What the operator chose, as a plain object that is handed down.

The environment is read once, at the edges: by the command line, by the service, and by ``Scorer.load`` for whoever calls from Python.
Every mistake is reported at once, with its key and value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from adverdict.domain import values
from adverdict.domain.creatives import folders_of, hosts_of, link_of, stores_of
from adverdict.domain.errors import InvalidSettings, Mistake
from adverdict.domain.keys import ApiKey, parse_keys
from adverdict.domain.values import PREFIX, TRACKING_URI, variable

FORMER_PREFIX = "ADJUDICATE_"
"""Of the same settings when the product had another name: refused, for a setting that is ignored is a wrong ledger."""
NO_LEDGER = "none"
KEYS, KEYS_FILE = "ADVERDICT_API_KEYS", "ADVERDICT_API_KEYS_FILE"
REFUSED = "the settings cannot be used:"
INJECTED = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)")
INJECTED_ADDRESS = re.compile(r"(tcp|udp|sctp)://.*")
"""What Kubernetes puts into every pod beside a Service whose name begins with ``adverdict``: nobody chose it."""
SECRET = re.compile(r"KEY|SECRET|TOKEN|PASS|PWD|CREDENTIAL|AUTH|URL|URI|DSN|DATABASE|DB", re.IGNORECASE)
"""In the name of a variable whose value may be one: such values are not repeated."""
PASSWORD = re.compile(r"(://[^:/?#\s]*:)\S*@|([?&]\w*password=)[^&\s]*", re.IGNORECASE)
"""Of an address, also amid other words; up to the last @, for a password that nobody encoded may hold one."""
registries_chosen_here: set[str] = set()
"""Addresses that ``models.registry.use_registry`` put into the environment of this process, where they must not pass for the user's."""


Folder = Annotated[Path, AfterValidator(values.absolute)]
ExistingFile = Annotated[Path, AfterValidator(values.absolute), AfterValidator(values.file)]
ExistingFolder = Annotated[Path, AfterValidator(values.absolute), AfterValidator(values.existing)]


def _shown(default: str) -> dict[str, Any]:
    """How a page writes a default that is made of other settings, or of what is packaged."""
    return {"shown": default}


class Settings(BaseModel):
    """What the operator chose. Field ``x`` is environment variable ``ADVERDICT_X``, except ``tracking_uri``."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    home: Folder = Field(default=Path("var"), description="local state: `mlflow.db`, artifacts, reports, downloaded bundles")
    model: Annotated[str, AfterValidator(values.model_at_home)] = Field(
        default="models:/adverdict@champion", min_length=1, description="model to decide by: a registry name, or a bundle's folder"
    )
    policies: Annotated[ExistingFolder | None, BeforeValidator(values.blank_is_default)] = Field(
        default=None, description="folder of policy files", json_schema_extra=_shown("packaged")
    )
    operations: Annotated[ExistingFolder | None, BeforeValidator(values.blank_is_default)] = Field(
        default=None,
        description="folder of [events, roster, shrinkage and targets](workforce.md#what-you-declare), for planning reviewers",
    )
    certificates: Annotated[ExistingFile | None, BeforeValidator(values.blank_is_default)] = Field(
        default=None, description="`certificates.json` to decide by, instead of the certificates that belong to the registered model"
    )
    api_keys: tuple[ApiKey, ...] = Field(
        default=(),
        description="`name:scope+scope:sha256`, separated by commas; only the sha256 of a key is ever written down "
        "(`adverdict key new` makes both). Scopes: `score`, `label`, `review`, `policy`, `plan`, `metrics`, `admin`",
    )
    api_keys_file: Annotated[Folder | None, BeforeValidator(values.blank_is_default)] = Field(
        default=None, description="a file with the same, one a line"
    )
    host: Annotated[str, AfterValidator(values.ip)] = Field(
        default="127.0.0.1", description="address to listen on; beyond loopback, API keys are required"
    )
    port: int = Field(default=8377, ge=1, le=65535, description="port to listen on")
    workers: int = Field(default=1, ge=1, le=256, description="processes; each loads the bundle and follows the registry")
    drain_seconds: float = Field(
        default=0.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="after SIGTERM, seconds in which requests are still answered while `/readyz` says that this server "
        "[leaves](operations.md#rolling-restarts)",
    )
    log_format: Literal["text", "json"] = Field(default="text", description="lines of the [log](operations.md#logs): `text` or `json`")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least that is logged: `debug`, `info`, `warning` or `error`"
    )
    access_log: bool = Field(default=False, description="whether every request is a line of the log")
    poll_seconds: float = Field(default=5.0, gt=0, le=3600, allow_inf_nan=False, description="seconds between looks at the registry")
    max_body_bytes: int = Field(default=2_000_000, ge=1_000, le=1_000_000_000, description="largest request body accepted")
    max_wait_ms: float = Field(
        default=250.0,
        gt=0,
        le=60_000,
        allow_inf_nan=False,
        description="predicted milliseconds in line beyond which a scoring request is "
        "[refused](serving.md#when-more-comes-than-can-be-answered) (429); a sixteenth of it in a line that stands",
    )
    tune_collector: bool = Field(
        default=True,
        description="take what is loaded out of sight of Python's garbage collector, which would stop requests for 200 ms",
    )
    database_url: Annotated[str, AfterValidator(values.anchored)] = Field(
        default="",
        description="the [ledger](ledger.md): `sqlite:///PATH` or `postgresql://USER@HOST/DATABASE`; `none`: nothing is recorded",
        json_schema_extra=_shown("sqlite:///HOME/ledger.db"),
    )
    audit_secret: Annotated[str, AfterValidator(values.secret)] = Field(
        default="",
        repr=False,
        description="where nothing is recorded: 16 to 64 random bytes, written in hexadecimal digits, by which ads are drawn for the "
        "[audit stream](policies.md#the-audit-stream); a ledger has a secret of its own",
        json_schema_extra=_shown("none"),
    )
    certificate_key: Annotated[str, AfterValidator(values.secret)] = Field(
        default="",
        repr=False,
        description="16 to 64 random bytes, written in hexadecimal digits: certificates are [signed](certificates.md#signed) with it, and "
        "those that are not decide nothing",
        json_schema_extra=_shown("none"),
    )
    review_lease_seconds: float = Field(
        default=900.0, ge=10, le=86_400, allow_inf_nan=False, description="how long a reviewer holds a task"
    )
    review_double_share: float = Field(default=0.05, ge=0, le=1, description="share of reviewed ads that two reviewers read blind")
    review_golden_share: float = Field(default=0.03, ge=0, le=1, description="share of a reviewer's tasks whose answer is known")
    translator: Annotated[str, AfterValidator(values.plugin_name)] = Field(
        default="",
        description="[plug-in](plugins.md#translators) that puts ads into the reviewers' language on their pages",
        json_schema_extra=_shown("none"),
    )
    translate_to: Annotated[str, AfterValidator(values.language_tag)] = Field(
        default="en", description="that language, as a BCP 47 tag such as `en` or `pt-BR`"
    )
    clusters: bool = Field(
        default=True,
        description="follow [copies](clusters.md) while deciding: decisions name their cluster, and a copy of what people rejected is not "
        "approved without them; takes about 1 KiB an ad in every worker",
    )
    false_alarms: float = Field(
        default=12.0, gt=0, allow_inf_nan=False, description="false [alarms](monitoring.md) a year that all detectors may ring together"
    )
    changes_secret: Annotated[str, AfterValidator(values.secret)] = Field(
        default="",
        repr=False,
        description="16 to 64 random bytes, written in hexadecimal digits, by which what is sent to the address of changes is signed",
        json_schema_extra=_shown("none"),
    )
    changes_url: Annotated[str, AfterValidator(values.receiver)] = Field(
        default="",
        description="where [changes of what stands about ads](changes.md) are told: an https address, with a secret",
        json_schema_extra=_shown("none"),
    )
    sinks: Annotated[str, values.checked(values.names_of)] = Field(
        default="",
        description="[plug-ins](plugins.md#sinks) that are told the same changes: names, separated by commas",
        json_schema_extra=_shown("none"),
    )
    webhook_secret: Annotated[str, AfterValidator(values.secret)] = Field(
        default="",
        repr=False,
        description="16 to 64 random bytes, written in hexadecimal digits, by which what is sent to the webhook is signed",
        json_schema_extra=_shown("none"),
    )
    webhook_url: Annotated[str, AfterValidator(values.receiver)] = Field(
        default="",
        description="where [alarms, new kinds and launches](monitoring.md#webhook) are told: an https address, with a secret",
        json_schema_extra=_shown("none"),
    )
    creative_hosts: Annotated[str, values.checked(hosts_of)] = Field(
        default="",
        description="hosts that [creatives](creatives.md) are fetched from over https, separated by commas: `cdn.example.com`, "
        "`*.cdn.example.com`; nothing private or local is ever connected to",
        json_schema_extra=_shown("none"),
    )
    creative_folders: Annotated[str, values.checked(folders_of)] = Field(
        default="",
        description="folders below which creatives are read as files, whole paths separated by `:`",
        json_schema_extra=_shown("none"),
    )
    creative_stores: Annotated[str, values.checked(stores_of)] = Field(
        default="",
        description="folders of object stores below which creatives are read, separated by commas: `s3://bucket/creatives`",
        json_schema_extra=_shown("none"),
    )
    creative_link: Annotated[str, values.checked(link_of)] = Field(
        default="",
        description="where people find a creative themselves: an https address in which `{creative_id}`, `{ad_id}`, `{advertiser_id}`, "
        "`{creative_uri}` or `{market}` stand for the ad's",
        json_schema_extra=_shown("none"),
    )
    suitability: Annotated[ExistingFile | None, BeforeValidator(values.blank_is_default)] = Field(
        default=None, description="a YAML file of [tiers](suitability.md): categories, and who accepts what; none: no tiers are told"
    )
    suitability_model: Annotated[ExistingFolder | None, BeforeValidator(values.blank_is_default)] = Field(
        default=None, description="folder of the model of tiers", json_schema_extra=_shown("HOME/suitability")
    )
    freezes: Annotated[ExistingFile | None, BeforeValidator(values.blank_is_default)] = Field(
        default=None, description="a YAML file of [windows in which no roll-out advances](rollout.md#freezes)"
    )
    tracking_uri: Annotated[str, AfterValidator(values.anchored)] = Field(
        default="",
        description="where MLflow keeps runs and models: a server or a database",
        json_schema_extra=_shown("sqlite:///HOME/mlflow.db"),
    )

    @property
    def registry_uri(self) -> str:
        """Never relative: the server changes its working directory."""
        return self.tracking_uri or f"sqlite:///{self.home / 'mlflow.db'}"

    @property
    def ledger_url(self) -> str | None:
        """Where decisions are recorded; None: nowhere. Never relative."""
        return None if self.database_url == NO_LEDGER else self.database_url or f"sqlite:///{self.home / 'ledger.db'}"

    @property
    def audit_key(self) -> bytes | None:
        """``audit_secret`` as bytes; None: there is none."""
        return bytes.fromhex(self.audit_secret) or None

    @property
    def signing_key(self) -> bytes | None:
        """``certificate_key`` as bytes; None: certificates are not signed."""
        return bytes.fromhex(self.certificate_key) or None

    @property
    def suitability_folder(self) -> Path:
        """Where the model of tiers lies, or will."""
        return self.suitability_model or self.home / "suitability"

    @property
    def history(self) -> Path:
        """Where this machine's history store lies, or will."""
        return self.home / "history"

    @property
    def cache(self) -> Path:
        """Where downloaded bundles live."""
        return self.home / "bundles"

    def to_environment(self) -> dict[str, str]:
        """The variables by which another process, in another folder, reads these settings; those of API keys it inherits."""
        found = {TRACKING_URI: self.registry_uri}
        for field in type(self).model_fields:
            value = getattr(self, field)
            if field not in ("api_keys", "tracking_uri") and value is not None:
                found[variable(field)] = str(value)
        if ":/" not in self.model:  # a folder, also one that is still to be made
            found[variable("model")] = str(Path(self.model).resolve())
        return {**found, variable("database_url"): NO_LEDGER if self.ledger_url is None else self.ledger_url}


def read_settings(environment: Mapping[str, str], options: Mapping[str, Any] | None = None) -> Settings:
    """Settings from an environment such as ``os.environ``, with the options of a command (by field; None: not given) over it.

    Raises InvalidSettings with every mistake, options by their names.
    """
    chosen = {field: value for field, value in (options or {}).items() if value is not None}
    wrong = _unknown(environment)
    values: dict[str, Any] = {**_given(environment), "api_keys": _keys(environment, wrong)}
    try:
        settings = Settings(**{**values, **chosen})
    except ValidationError as error:
        fields = [(str(e["loc"][0]), e) for e in error.errors()]
        wrong += [Mistake(option(f) if f in chosen else variable(f), _said(f, e["input"]), _expected(f, e)) for f, e in fields]
        raise InvalidSettings(REFUSED, wrong) from None
    if wrong:
        raise InvalidSettings(REFUSED, wrong)
    return settings


def origins(environment: Mapping[str, str]) -> dict[str, str]:
    """Where each setting comes from, by field: the environment variable that says it, or ``default``."""
    given = _given(environment)
    return {field: variable(field) if field in given else "default" for field in Settings.model_fields}


def option(field: str) -> str:
    """The option of commands that choose it."""
    return "--" + field.replace("_", "-")


def known_keys() -> tuple[str, ...]:
    """Every environment variable that is read, in the order of ``Settings``."""
    return tuple(variable(field) for field in Settings.model_fields)


def without_password(url: str) -> str:
    """An address, or words with some in them, to print."""
    return PASSWORD.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", url)


def _given(environment: Mapping[str, str]) -> dict[str, str]:
    """What the environment says, by field. What is blank is not said, nor is what Kubernetes or this process put there."""
    said = {field: environment.get(variable(field), "").strip() for field in Settings.model_fields}
    if said["tracking_uri"] in registries_chosen_here:
        del said["tracking_uri"]
    if INJECTED_ADDRESS.fullmatch(said["port"]):
        del said["port"]
    return {field: value for field, value in said.items() if value}


def _keys(environment: Mapping[str, str], wrong: list[Mistake]) -> tuple[ApiKey, ...]:
    """Keys from the variable and the file together; the values of wrong entries are not repeated, they may be secrets."""
    found = parse_keys(environment.get(KEYS, "").split(","), KEYS, wrong)
    file = environment.get(KEYS_FILE, "").strip()
    if file:
        try:
            found += parse_keys(Path(file).expanduser().read_text(encoding="utf-8-sig").splitlines(), KEYS_FILE, wrong)
        except (OSError, UnicodeDecodeError) as error:
            wrong.append(Mistake(KEYS_FILE, file, f"a readable text file ({error.__class__.__name__})"))
        except RuntimeError:
            pass  # nobody's ~, refused with the other paths
    names = [key.name for key in found]
    wrong += [Mistake(KEYS, name, "each name once") for name in sorted({n for n in names if names.count(n) > 1})]
    return tuple(found)


def _unknown(environment: Mapping[str, str]) -> list[Mistake]:
    known = known_keys()
    names = {key.removeprefix(PREFIX): key for key in known}  # compared without the prefix, which makes everything look alike
    wrong = []
    for key in sorted(environment):
        if key.startswith(FORMER_PREFIX) and not _injected(key, FORMER_PREFIX, environment[key]):
            expected = f"{PREFIX}{key.removeprefix(FORMER_PREFIX)}, as the product is called Adverdict now"
            wrong.append(Mistake(key, _said(key, environment[key]), expected))
        if key.startswith(PREFIX) and key not in known and not _injected(key, PREFIX, environment[key]):
            close = [names[name] for name in difflib.get_close_matches(key.removeprefix(PREFIX), names, n=1)]
            expected = f"a known setting; did you mean {close[0]}?" if close else f"one of {', '.join(known)}"
            wrong.append(Mistake(key, _said(key, environment[key]), expected))
    return wrong


def _injected(key: str, prefix: str, value: str) -> bool:
    name = key.removeprefix(prefix)
    return INJECTED.fullmatch(name) is not None or (name.endswith("PORT") and INJECTED_ADDRESS.fullmatch(value) is not None)


def _said(name: str, value: Any) -> Any:
    """A value that may be repeated to whoever reads the error."""
    text = str(value)
    harmless = text.startswith("sqlite:") or name.upper().endswith(("FILE", "PATH"))
    if SECRET.search(name) and not harmless:
        return "(not repeated)"
    return without_password(text) if isinstance(value, str | Path) else value


def _expected(field: str, error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if field == "host":
        return "an IP address, or localhost"
    if kind in ("int_parsing", "int_parsing_size", "int_from_float"):
        return "a whole number"
    if kind == "float_parsing":
        return "a number"
    if kind == "bool_parsing":
        return "true or false"
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "")
    if kind == "value_error":
        return str(context["error"])
    return re.sub("^(Input should be|String should have) ", "", str(error["msg"]))
