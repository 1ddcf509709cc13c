"""How Kafka is reached: an address as `GRIDWARD_KAFKA` gives it, taken to pieces for the clients.

    host:port,host:port
    kafka+tls://user:password@host:port,host:port?ca=FILE&certificate=FILE&key=FILE&mechanism=SCRAM-SHA-512

The first is plaintext, the second TLS with SASL, in which what is not needed is left out; `kafka://` is SASL without
TLS. Files are PEM and read for each client anew, so that a turned certificate is taken when a client is made again.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from services.chassis.errors import WrongSettings

_MECHANISMS = {"SCRAM-SHA-512": SASLScram512, "SCRAM-SHA-256": SASLScram256, "PLAIN": SASLPlaintext}
_FILES = ("ca", "certificate", "key")
_OPTIONS = (*_FILES, "mechanism")
_SERVER = re.compile(r"(?:\[[^]]+\]|[^:\s]+)(?::(\d{1,5}))?", re.ASCII)
_FORM = "host:port,host:port or kafka+tls://user:password@host:port?ca=/path/ca.pem"


class Address(NamedTuple):
    """servers: host:port each. user and password: of SASL, "" where there is none."""

    servers: tuple[str, ...]
    tls: bool = False
    user: str = ""
    password: str = ""
    options: Mapping[str, str] = {}

    @property
    def mechanism(self) -> str:
        return self.options.get("mechanism", next(iter(_MECHANISMS)))


def address_of(kafka: str) -> Address:
    """Raises WrongSettings, which never repeats the password."""
    if "://" not in kafka:
        return _checked(Address(_servers(kafka)))
    try:
        parts = urlsplit(kafka)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise WrongSettings(f"the address of Kafka is none: write {_FORM}") from None
    if parts.scheme not in ("kafka", "kafka+tls") or parts.path not in ("", "/") or parts.fragment:
        raise WrongSettings(
            f"the address of Kafka is none: write {_FORM}, with what is none of A-Z a-z 0-9 - . _ ~ in the password "
            "percent-encoded"
        )
    return _checked(_taken_apart(parts, options))


def _servers(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(","))


def _taken_apart(parts: SplitResult, options: Mapping[str, str]) -> Address:
    who, _, servers = parts.netloc.rpartition("@")
    user, _, password = who.partition(":")
    return Address(_servers(servers), parts.scheme == "kafka+tls", unquote(user), unquote(password), options)


def _checked(address: Address) -> Address:
    for server in address.servers:
        if not (found := _SERVER.fullmatch(server)) or int(found[1] or 1) not in range(1, 65_536):
            raise WrongSettings(f"{server!r} is no server of Kafka: write {_FORM}")
    if bool(address.user) != bool(address.password):
        raise WrongSettings(f"a user of Kafka has a password: write {_FORM}")
    if unknown := sorted({*address.options} - {*_OPTIONS}):
        raise WrongSettings(f"Kafka's address has no {', '.join(unknown)}: there are {', '.join(_OPTIONS)}")
    if address.mechanism not in _MECHANISMS:
        raise WrongSettings(f"mechanism={address.mechanism} is unknown: there are {', '.join(_MECHANISMS)}")
    if not address.tls and {*_FILES} & {*address.options}:
        raise WrongSettings("certificates are for TLS: begin Kafka's address with kafka+tls://")
    return address


def security_of(address: Address) -> BaseSecurity:
    """As FastStream takes it. Raises WrongSettings for a file that cannot be used."""
    context = _context(address.options) if address.tls else None
    if not address.user:
        return BaseSecurity(ssl_context=context, use_ssl=address.tls)
    return _MECHANISMS[address.mechanism](address.user, address.password, ssl_context=context, use_ssl=address.tls)


def how_to_reach(kafka: str) -> dict[str, Any]:
    """As the clients of aiokafka take it. Raises as `address_of` and `security_of` do."""
    address = address_of(kafka)
    return {"bootstrap_servers": list(address.servers), **parse_security(security_of(address))}


def _context(options: Mapping[str, str]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=options.get("ca"))
        if certificate := options.get("certificate"):
            context.load_cert_chain(certificate, options.get("key"))
    except OSError as error:  # SSLError is one
        raise WrongSettings(f"a certificate of Kafka's address cannot be used: {error}") from None
    return context
