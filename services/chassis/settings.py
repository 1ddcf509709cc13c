"""The settings of a process, each described once; from GRIDWARD_<NAME> of the environment, or given as arguments."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.chassis.errors import WrongSettings


def _checked(servers: str) -> str:
    """Kafka's client meets a port that is none only when it connects, and then with a trace."""
    if not all(re.fullmatch(r"(\[[^]]+\]|[^:\s]+)(:\d{1,5})?", one.strip()) for one in servers.split(",")):
        raise ValueError("write host:port, several with commas")
    return servers


Servers = Annotated[str, AfterValidator(_checked)]


class Settings(BaseSettings):
    """What an operator decides for one process."""

    model_config = SettingsConfigDict(env_prefix="GRIDWARD_", frozen=True, extra="ignore")

    kafka: Servers = Field("127.0.0.1:9092", description="bootstrap servers, host:port, several with commas")
    database: str = Field(
        min_length=1, repr=False, description="DSN of PostgreSQL; a direct connection, no transaction pooler"
    )
    database_connections: int = Field(10, ge=2, description="connections of a service besides the relay's one")
    clock: Literal["wall", "stage"] = Field("wall", description="stage: time is told by events, for plays and tests")
    http_host: str = Field("127.0.0.1", description="address on which HTTP is served")
    http_port: int = Field(8000, ge=0, le=65535, description="port of HTTP; 0: any free one")
    token_key: SecretStr = Field(min_length=32, description="key that signs tokens (HS256), 32 characters or more")
    issuer: str | None = Field(None, description="URL of an OpenID Connect issuer whose tokens are taken beside ours")
    issuer_audience: str = Field("gridward", description="the audience that the issuer's tokens must name")
    issuer_roles_claim: str = Field("roles", description="where they name the roles, as in realm_access.roles")
    issuer_division_claim: str = Field("division", description="where they name the caller's division")
    vault_key: SecretStr | None = Field(None, description="key of what is encrypted at rest, where that is")
    vault_key_file: Path | None = Field(None, description="a file that holds that key, as containers are given secrets")
    sources: str | None = Field(None, description="folder with a TOML file for each health system that sends")
    mllp_host: str = Field("127.0.0.1", description="address on which HL7 v2 is taken by MLLP")
    mllp_port: int | None = Field(None, ge=0, le=65535, description="port of MLLP; none: no MLLP; 0: any free one")
    mllp_certificate: str | None = Field(None, description="PEM file of MLLP's certificate: MLLP then speaks TLS only")
    mllp_certificate_key: str | None = Field(None, description="PEM file of the certificate's key")
    mllp_clients: str | None = Field(
        None, description="PEM file of authorities; MLLP's clients must show their certificate"
    )
    upstream_kafka: Servers | None = Field(
        None, description="bootstrap servers of the cluster whose topics the sources name"
    )
    instance: str | None = Field(None, description="fixed name of this replica: its restart then causes no rebalance")
    replication: int = Field(-1, description="copies of each topic that is created; -1: as the broker is set")
    dead_letters_an_hour: int = Field(100, ge=0, description="more open dead letters than this stop the consumer")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least severe line logged")

    @classmethod
    def from_environment(cls) -> Settings:
        """Settings of the environment. Raises WrongSettings with a line for each that is missing or wrong."""
        try:
            return cls()
        except ValidationError as error:
            lines = [f"GRIDWARD_{str(wrong['loc'][0]).upper()}: {wrong['msg']}" for wrong in error.errors()]
            raise WrongSettings("set these in the environment:\n" + "\n".join(lines)) from None


def cannot_listen(what: Literal["HTTP", "MLLP"], host: str, port: int, error: OSError) -> WrongSettings:
    """The refusal of a socket in words: which port, and which setting names it."""
    if error.errno == errno.EADDRINUSE:
        return WrongSettings(
            f"port {port} of {host} is taken: set GRIDWARD_{what}_PORT to another, one for each service, "
            "or end what listens there"
        )
    return WrongSettings(
        f"nothing can listen at port {port} of {host} ({error}): correct GRIDWARD_{what}_HOST or GRIDWARD_{what}_PORT"
    )
