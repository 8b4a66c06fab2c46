"""The head of a client's first message in SCRAM and OAUTHBEARER (RFC 5801 §4, RFC 5802 §7)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ulak.smtp.sasl import prepare

_HEAD = re.compile(rb"(?:(n|y)|p=([A-Za-z0-9.-]+)),(?:a=([^,]*))?,", re.DOTALL)


class MessageError(ValueError):
    """A message of a mechanism is malformed; the text says where."""


@dataclass(frozen=True, slots=True)
class Head:
    """`flag` is `n`, `y` or `p`; `binding` the channel binding's name with `p`, else `""`.

    `octets` is the head as it came, with both commas.
    """

    flag: str
    binding: str
    authzid: str
    octets: bytes


def read(message: bytes) -> tuple[Head, bytes]:
    """Part a message into its head and the rest. Raises MessageError."""
    found = _HEAD.match(message)
    if found is None:
        problem = "the first message has no GS2 header"
        raise MessageError(problem)
    flag, binding, authzid = found.groups()
    name = "" if authzid is None else name_of(authzid)
    head = Head((flag or b"p").decode(), (binding or b"").decode(), name, found[0])
    return head, message[found.end() :]


def name_of(octets: bytes) -> str:
    """Give the name that a saslname stands for, prepared. Raises MessageError."""
    for part in octets.split(b"=")[1:]:
        if part[:2] not in (b"2C", b"3D"):
            problem = "a name has an = that stands for nothing"
            raise MessageError(problem)
    try:
        return prepare.name(octets.replace(b"=2C", b",").replace(b"=3D", b"="))
    except prepare.PreparationError as error:
        raise MessageError(str(error)) from None


def saslname(name: str) -> bytes:
    """Write a name so that it can stand between commas."""
    return name.replace("=", "=3D").replace(",", "=2C").encode()
