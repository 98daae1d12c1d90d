"""Every setting of the product, in groups, with its meaning and unit.

Source: docs/contract/native.md, section 19. A setting is given by environment variable or in a TOML file:

    delivery.route = "relay"     TRIREME_DELIVERY_ROUTE=relay
    public_url = "https://..."   TRIREME_PUBLIC_URL=https://...

`TRIREME_CONFIG` names the TOML file; the environment wins over it. This module is the only one that reads the
environment. It may import `app.kit` and nothing else of ours.
"""

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticUndefined
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

SECRET_KEY_LENGTH = 32
"""Fewest characters of a secret key."""


class Group(BaseModel):
    """A group of settings; an unknown name in it is an error, so that a typing mistake does not pass in silence."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Api(Group):
    """The HTTP listener."""

    host: str = "127.0.0.1"
    """Address of the main listener and of the Dyno listener."""
    port: int = 8080
    """TCP port of the main listener."""
    batch_rows: int = 20_000
    """Recipient copies that may wait in the accept batcher of one process; beyond that 503."""
    batch_bytes: int = 256 * 1024 * 1024
    """Bytes of content that may wait in the accept batcher of one process; beyond that 503."""


class Dyno(Group):
    """The second listener, which serves Dyno Email Marketing alone."""

    port: int = 19000
    """TCP port; 0 = off."""


class Database(Group):
    """The connections of one process to PostgreSQL."""

    pool_size: int = 8
    """Connections kept open per process."""
    connect_timeout_seconds: float = 5.0
    """How long opening a connection may take."""
    statement_timeout_seconds: float = 30.0
    """How long a statement of a request may take."""

    @model_validator(mode="before")
    @classmethod
    def _without_url(cls, values: dict[str, object]) -> dict[str, object]:
        # TRIREME_DATABASE_URL is the setting `database_url`, but reads like a member of this group as well.
        return {name: value for name, value in values.items() if name != "url"}


class Delivery(Group):
    """The sending engine."""

    route: Literal["sandbox", "relay", "mx"] = "sandbox"
    """Where outgoing mail goes: the sandbox inbox, one relay, or the recipient domain's MX hosts."""
    relay_url: str = ""
    """One relay or several, separated by commas, for the route `relay`:
    smtp[s]://[user:pass@]host[:port][?tls=none|opportunistic|required&weight=1..100&priority=0..1000]."""
    connections: int = 10
    """SMTP sessions one delivery process keeps open to one relay, and at most to one MX site."""
    processes: int = 2
    """Delivery processes there are; limits are divided by it while Valkey, which knows better, is away."""
    shaping_file: Path | None = None
    """TOML with limits per destination and warm-up plans, over the packaged ones (docs/shaping.md)."""
    source_addresses: str = ""
    """Our IP addresses to send from, separated by commas; one of the destination's family is chosen for each session;
    empty: the system chooses."""
    ipv6: bool = True
    """Whether mail goes to IPv6 addresses of MX hosts."""
    own_names: Annotated[list[str], NoDecode] = []
    """Names and addresses of our own servers: MX hosts that are us are left out; when none is left the mail bounces."""
    name_servers: Annotated[list[str], NoDecode] = []
    """DNS servers as address[:port]; empty: the machine's."""
    mta_sts: bool = True
    """Whether MTA-STS policies (RFC 8461) are observed; they are fetched by HTTPS."""
    dane: bool = False
    """Whether DANE (RFC 7672) is observed; the name servers must validate DNSSEC and be reached over a safe way."""
    mx_port: int = 25
    """Port of MX hosts."""
    allow_private: bool = False
    """Whether MX hosts may have private addresses; for test setups."""
    max_in_flight: int = 3000
    """Copies one delivery process holds between claim and recorded outcome."""
    claim_size: int = 250
    """Single mails taken from the queue in one claim; campaigns leave that much room free for them."""
    chunk_size: int = 1000
    """Targets of a campaign taken in one claim."""
    lease_seconds: float = 60.0
    """How long a claim is good without being renewed."""
    in_doubt: Literal["resend", "hold"] = "resend"
    """What happens to a copy whose connection ended between the final dot and the reply."""
    retry_seconds: Annotated[list[int], NoDecode] = [60, 300, 900, 1800, 3600, 7200, 14400]
    """Waits after the first, second, ... temporary failure, in seconds; the last one repeats."""
    connect_timeout_seconds: float = 30.0
    """How long opening an SMTP session may take."""
    reply_timeout_seconds: float = 300.0
    """How long a reply to an SMTP command may take (RFC 5321, 4.5.3.2)."""
    helo_name: str = ""
    """Name given in EHLO; empty: the host of `public_url`."""

    @field_validator("retry_seconds", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [int(part) for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("own_names", "name_servers", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _room_for_campaigns(self) -> "Delivery":
        if self.max_in_flight <= self.claim_size:
            raise ValueError("max_in_flight must be greater than claim_size, or campaigns could never be sent")
        return self


class Queue(Group):
    """The delivery queue."""

    lifetime_hours: float = 72.0
    """How long a temporary failure is retried, in hours."""


class Send(Group):
    """What one call may submit."""

    max_recipients: int = 1000
    """Recipients per call."""
    max_message_bytes: int = 26_214_400
    """Largest message, in bytes; a request body may be twice as large."""


class Smtp(Group):
    """The listener for SMTP submission: mail that programs hand over by SMTP instead of by HTTP."""

    host: str = "127.0.0.1"
    """Address it listens on."""
    port: int = 0
    """TCP port; 587 is usual; 0 = off."""
    certificate_file: Path | None = None
    """Certificate chain for STARTTLS, PEM; without one STARTTLS is not offered."""
    key_file: Path | None = None
    """Its private key, PEM; None: in the same file."""
    allow_plain_login: bool = False
    """Whether clients may log in without TLS; those on this very machine always may."""
    connections: int = Field(default=500, ge=1)
    """Sessions of one process at once."""
    failed_logins: int = Field(default=10, ge=1)
    """Failed logins of one client address in a minute after which it has to wait."""


class Sandbox(Group):
    """The sandbox inbox: an SMTP server that keeps what it gets for people to look at."""

    host: str = "127.0.0.1"
    """Address the sandbox listens on, and where delivery finds it."""
    port: int = 1025
    """TCP port of its SMTP listener."""
    max_messages: int = 10_000
    """Messages kept; the oldest are dropped first."""


class Intake(Group):
    """The SMTP listener for mail that comes back: reports of failures, complaints, unsubscriptions."""

    host: str = "127.0.0.1"
    """Address it listens on."""
    port: int = Field(default=2525, ge=0, le=65535)
    """TCP port, where the MX record of `bounce_domain` leads by way of port 25; `trireme up` starts none with 0."""
    name: str = ""
    """Name given in the greeting; empty: `bounce_domain`."""
    certificate_file: Path | None = None
    """Certificate chain (PEM) for STARTTLS; none: not offered."""
    key_file: Path | None = None
    """Private key (PEM) of the certificate; none: in the same file."""
    max_message_bytes: int = Field(default=26 * 1024 * 1024, ge=64 * 1024)
    """Largest mail that is taken."""
    kept_bytes: int = Field(default=2 * 1024 * 1024, ge=64 * 1024)
    """Bytes of a mail's beginning that are looked at."""
    connections: int = Field(default=200, ge=1)
    """Sessions at once."""
    connections_per_address: int = Field(default=50, ge=1)
    """Sessions of one client address at once."""
    mails_per_minute: int = Field(default=6000, ge=0)
    """Mails of one client address a minute, with as many at once; 0 = no limit."""
    reply_timeout_seconds: float = Field(default=300, gt=0)
    """How long a client may take for a command (RFC 5321, 4.5.3.2.7)."""
    session_seconds: float = Field(default=3600, gt=0)
    """How long a session may last."""


class Simulator(Group):
    """Addresses at simulator.test, for trying things out."""

    enabled: bool = True
    """Whether mail to them stays here and has the outcome its local part names."""


class Senders(Group):
    """Approval of From addresses."""

    require_verification: bool = False
    """Whether a new sender must prove itself by DNS or by mail before it may be used."""
    spf_include: str = ""
    """Name that customers include in their SPF records; empty: the host of `public_url`."""


class Suppression(Group):
    """When repeated failures put a recipient on the suppression list."""

    soft_bounces: int = Field(default=3, ge=1)
    """Soft bounces with the same code after which an address is suppressed."""
    soft_bounce_hours: float = Field(default=24, gt=0)
    """Hours within which they must fall."""


class Outbound(Group):
    """Calls to URLs that customers gave."""

    allow_private_networks: bool = False
    """Whether such a URL may lead to loopback, link-local or private addresses."""


class Postbacks(Group):
    """Calls that tell customers of bounces, complaints and unsubscriptions."""

    timeout_seconds: float = Field(default=10, gt=0)
    """How long one call may take."""
    retries: int = Field(default=3, ge=0, le=3)
    """Further tries after a failed one: after 1, 5 and 30 minutes."""


class Proxy(Group):
    """Reverse proxies in front of the HTTP listener."""

    trusted: Annotated[list[str], NoDecode] = []
    """Addresses or networks whose `X-Forwarded-For` is believed, separated by commas; empty: none."""

    @field_validator("trusted", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Metrics(Group):
    """The Dyn Metrics API."""

    envelope: Literal["seed", "always"] = "seed"
    """`always` puts the two bare answers of the seed into the five fields as well."""


class Quota(Group):
    """Monthly limits."""

    default_monthly: int = 0
    """Copies per calendar month (UTC) for accounts without a limit of their own; 0 = none."""


class Retention(Group):
    """How long what has happened is kept."""

    detail_days: int = Field(default=540, ge=0)
    """Days that copies and what happened to them are kept, by whole months; 0 = for ever."""
    count_days: int = Field(default=0, ge=0)
    """Days that counts by hour and day are kept; 0 = for ever."""
    audit_days: int = Field(default=400, ge=0)
    """Days that entries of the audit log are kept; 0 = for ever."""
    automation_run_days: int = Field(default=90, ge=0)
    """Days that runs of automations are kept after their end; 0 = for ever. Who has been in stays known."""


class Limits(Group):
    """Requests per second that are answered; 0 = off."""

    dynosend_per_second: int = Field(default=10, ge=0)
    """Dynosend: per account, without a good key per address."""
    dyno_per_second: int = Field(default=10, ge=0)
    """Dyno Email Marketing: per account."""
    dyn_per_second: int = Field(default=0, ge=0)
    """The Dyn families: per account."""
    native_per_second: int = Field(default=50, ge=0)
    """The native API: per account."""


class Contacts(Group):
    """Contacts of audiences."""

    status_tag: bool = False
    """Whether Dynosend shows a contact's status as its first tag."""


class System(Group):
    """Operation."""

    open_metrics: bool = False
    """Whether `/system/metrics` answers without credentials."""


class Logs(Group):
    """Log lines."""

    format: Literal["auto", "json", "console"] = "auto"
    """`auto`: console on a terminal, else JSON."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe level that is written."""


class Settings(BaseSettings):
    """The whole configuration of one process; immutable."""

    model_config = SettingsConfigDict(
        env_prefix="TRIREME_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="forbid",
        frozen=True,
    )

    public_url: str
    """Base of every link that leaves the system, without a trailing slash."""
    secret_keys: Annotated[list[str], NoDecode] = Field(min_length=1)
    """Keys of at least 32 characters: the first signs and encrypts, all verify and decrypt. Comma-separated."""
    bounce_domain: str
    """Domain of the envelope sender (return path)."""
    database_url: str
    """PostgreSQL, as postgresql+asyncpg://user[:password]@host[:port]/name."""
    broker_url: str
    """Valkey or Redis, as redis://... or redis+socket://..."""
    data_dir: Path = Path("var")
    """Directory for the journals of delivery processes and for process metrics."""
    node_name: str = "mail-1"
    """The part of an email id after the @."""

    api: Api = Api()
    dyno: Dyno = Dyno()
    database: Database = Database()
    delivery: Delivery = Delivery()
    queue: Queue = Queue()
    send: Send = Send()
    smtp: Smtp = Smtp()
    sandbox: Sandbox = Sandbox()
    intake: Intake = Intake()
    simulator: Simulator = Simulator()
    senders: Senders = Senders()
    suppression: Suppression = Suppression()
    outbound: Outbound = Outbound()
    postbacks: Postbacks = Postbacks()
    proxy: Proxy = Proxy()
    metrics: Metrics = Metrics()
    quota: Quota = Quota()
    limits: Limits = Limits()
    contacts: Contacts = Contacts()
    retention: Retention = Retention()
    system: System = System()
    logs: Logs = Logs()

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("secret_keys")
    @classmethod
    def _long_enough(cls, keys: list[str]) -> list[str]:
        if any(len(key) < SECRET_KEY_LENGTH for key in keys):
            raise ValueError(f"a secret key needs at least {SECRET_KEY_LENGTH} characters")
        return keys

    @field_validator("public_url")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url.rstrip("/")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: arguments, environment, then the file that TRIREME_CONFIG names."""
        del dotenv_settings, file_secret_settings
        path = os.environ.get("TRIREME_CONFIG")  # noqa: TID251 the one place that may
        file = (TomlConfigSettingsSource(settings_cls, toml_file=path),) if path else ()
        return (init_settings, env_settings, *file)


@cache
def settings() -> Settings:
    """Return the settings of this process, read once.

    Raises:
        pydantic.ValidationError: A setting is missing, unknown or not valid.
    """
    return Settings()


@dataclass(frozen=True, slots=True)
class Given:
    """One setting of a process.

    Attributes:
        name: As in `delivery.route`.
        variable: Its environment variable.
        value: What holds; None for a secret.
        default: What held without it; None for a secret, and where one must be given.
        source: `environment`, `file`, `default`, or `program` when it was given otherwise.
        secret: Whether the value is not told.
    """

    name: str
    variable: str
    value: Any
    default: Any
    source: str
    secret: bool


SECRETS = frozenset({"secret_keys", "database_url", "broker_url", "delivery.relay_url"})
"""Settings that hold credentials."""


def described(given: Settings) -> list[Given]:
    """Return every setting of a process, by name, with where its value comes from.

    Args:
        given: Of the process.
    """
    path = os.environ.get("TRIREME_CONFIG")  # noqa: TID251 the one place that may
    file = TomlConfigSettingsSource(Settings, toml_file=path)() if path else {}
    variables = {name.upper() for name in os.environ}  # noqa: TID251 the one place that may
    found: list[Given] = []
    for name, field in Settings.model_fields.items():
        value = getattr(given, name)
        inside = file.get(name)
        if isinstance(value, Group):
            group = inside if isinstance(inside, dict) else {}
            found += [
                _given(f"{name}.{part}", getattr(value, part), one.get_default(), part in group, variables)
                for part, one in type(value).model_fields.items()
            ]
        else:
            found.append(_given(name, value, field.get_default(), inside is not None, variables))
    return sorted(found, key=lambda one: one.name)


def _given(name: str, value: Any, default: Any, in_file: bool, variables: set[str]) -> Given:
    variable = f"TRIREME_{name.replace('.', '_').upper()}"
    default = None if default is PydanticUndefined else default
    if variable in variables:
        source = "environment"
    elif in_file:
        source = "file"
    else:
        source = "default" if value == default else "program"
    secret = name in SECRETS
    return Given(name, variable, None if secret else value, None if secret else default, source, secret)


def environment() -> dict[str, str]:
    """Return a copy of the environment for a child process."""
    return dict(os.environ)  # noqa: TID251 the one place that may


def as_environment(values: dict[str, Any]) -> dict[str, str]:
    """Return settings by their logical names (`delivery.route`) as environment variables."""
    return {f"TRIREME_{name.replace('.', '_').upper()}": str(value) for name, value in values.items()}
