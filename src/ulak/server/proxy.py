"""The header of the PROXY protocol, versions 1 and 2, out of octets.

A proxy in front of this server tells in it whose connection it passes on. It is HAProxy's
(https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, called "the specification" here).
Whatever comes, the outcome is a `Header`, a `Fault`, or that more has to come, and depends on the
octets alone, never on the pieces in which they came.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

_TEXT = b"PROXY "
_BINARY = b"\r\n\r\n\x00\r\nQUIT\n"
_LINE = 107  # octets of a header of version 1 at most, its CRLF counted (§2.1)
_FIXED = 16  # octets of a header of version 2 before its addresses (§2.2)

_VERSION, _LOCAL, _PROXY = 2, 0, 1
# Family and transport: what the addresses look like, and how long they are.
_UNKNOWN, _TCP4, _TCP6, _UNIX = 0x00, 0x11, 0x21, 0x31
_LENGTHS = {_UNKNOWN: 0, _TCP4: 12, _TCP6: 36, _UNIX: 216}
_OTHERS = frozenset({0x12, 0x22, 0x32})  # datagrams: nothing that comes over TCP

_CRC32C, _UNIQUE_ID, _SSL = 0x03, 0x05, 0x20
_SSL_VERSION, _SSL_CIPHER = 0x21, 0x23
_LONGEST_ID = 128  # octets


class Fault(Enum):
    """Why the header is none. The value is for people."""

    ABSENT = "what came first is no PROXY header"
    LINE = "the line of the header is too long or does not end with CRLF"
    WORDS = "the line of the header is not of the form that version 1 has"
    ADDRESS = "an address or a port in the header is not valid"
    VERSION = "the header is of an unknown version or has an unknown command"
    FAMILY = "the header tells of a connection that is not TCP"
    LENGTH = "a length in the header does not fit what is in it"
    CHECKSUM = "the checksum of the header is wrong"
    LATE = "the header did not come in time"


@dataclass(frozen=True, slots=True)
class Header:
    """What a proxy tells of a client: its address and port, and those that it connected to.

    `ip` is `""` where the proxy does not know the client, or speaks for itself (`local`). `tls`
    is what it tells of TLS between the client and itself, `""` for none.
    """

    ip: str = ""
    port: int = 0
    own_ip: str = ""
    own_port: int = 0
    local: bool = False
    tls: str = ""


class HeaderReader:
    """Collects octets until there is a header. `rest` are those behind it."""

    __slots__ = ("_buffer", "rest")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.rest = b""

    def feed(self, octets: bytes) -> Header | Fault | None:
        """Take octets; give what the header says, what is wrong with it, or None for more.

        After an answer no more is to be fed.
        """
        self._buffer += octets
        buffer = self._buffer
        if buffer[: len(_BINARY)] == _BINARY[: len(buffer)]:
            return self._binary(buffer)
        if buffer[: len(_TEXT)] == _TEXT[: len(buffer)]:
            return self._text(buffer)
        return Fault.ABSENT

    def _text(self, buffer: bytearray) -> Header | Fault | None:
        end = buffer.find(b"\n", 0, _LINE)
        if end < 0:
            return Fault.LINE if len(buffer) >= _LINE else None
        if buffer[end - 1 : end] != b"\r":
            return Fault.LINE
        self.rest = bytes(buffer[end + 1 :])
        return _words(bytes(buffer[: end - 1]))

    def _binary(self, buffer: bytearray) -> Header | Fault | None:
        if len(buffer) < _FIXED:
            return None
        command, family, length = struct.unpack_from("!BBH", buffer, len(_BINARY))
        if command >> 4 != _VERSION or command & 15 not in (_LOCAL, _PROXY):
            return Fault.VERSION
        whole = _FIXED + length
        if len(buffer) < whole:
            return None
        self.rest = bytes(buffer[whole:])
        if command & 15 == _LOCAL:
            return Header(local=True)  # §2.2: what else is in it is to be ignored
        return _addresses(family, bytes(buffer[:whole]))


def _words(line: bytes) -> Header | Fault:
    try:
        words = line.decode("ascii").split(" ")
    except UnicodeDecodeError:
        return Fault.WORDS
    if words[1] == "UNKNOWN":
        return Header()  # §2.1: what else is in the line is to be ignored
    kinds: dict[str, Callable[[str], ipaddress.IPv4Address | ipaddress.IPv6Address]] = {
        "TCP4": ipaddress.IPv4Address,
        "TCP6": ipaddress.IPv6Address,
    }
    if len(words) != len(("PROXY", "kind", "ip", "own ip", "port", "own port")):
        return Fault.WORDS
    if words[1] not in kinds:
        return Fault.WORDS
    ports = _port(words[4]), _port(words[5])
    try:
        ips = [_plain(kinds[words[1]](word)) for word in words[2:4]]
    except ValueError:
        return Fault.ADDRESS
    if ports[0] is None or ports[1] is None or "%" in line.decode("ascii"):
        return Fault.ADDRESS
    return Header(ips[0], ports[0], ips[1], ports[1])


def _port(word: str) -> int | None:
    # Not int() alone: that takes `+25`, `0025` and the digits of every script.
    if not word or set(word) - set("0123456789") or (word[0] == "0" and word != "0"):
        return None
    port = int(word) if len(word) <= len("65535") else 1 << 16
    return port if port < 1 << 16 else None


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _addresses(family: int, header: bytes) -> Header | Fault:
    if family in _OTHERS or family not in _LENGTHS:
        return Fault.FAMILY
    behind = _FIXED + _LENGTHS[family]
    if len(header) < behind:
        return Fault.LENGTH
    told = _told(header, behind)
    if isinstance(told, Fault):
        return told
    if family == _TCP4:
        ip, own, *ports = struct.unpack_from("!4s4sHH", header, _FIXED)
    elif family == _TCP6:
        ip, own, *ports = struct.unpack_from("!16s16sHH", header, _FIXED)
    else:
        return Header(tls=told)
    addresses = [_plain(ipaddress.ip_address(octets)) for octets in (ip, own)]
    return Header(addresses[0], ports[0], addresses[1], ports[1], tls=told)


def _told(header: bytes, start: int) -> str | Fault:
    """Read what comes behind the addresses (§2.2.1 and on): a checksum, and what TLS there is."""
    tls = ""
    summed = False
    values = _values(header, start)
    if values is None:
        return Fault.LENGTH
    for kind, at, length in values:
        value = header[at : at + length]
        if kind == _CRC32C:
            if length != len(b"sum.") or summed:
                return Fault.LENGTH
            summed = True
            zeroed = header[:at] + bytes(length) + header[at + length :]
            if crc32c(zeroed) != int.from_bytes(value):
                return Fault.CHECKSUM
        elif kind == _UNIQUE_ID and length > _LONGEST_ID:
            return Fault.LENGTH
        elif kind == _SSL:
            inner = _values(value, len(b"cvvvv"))
            if inner is None:
                return Fault.LENGTH
            if value[0] & 1:  # the client came over TLS
                names = {k: value[i : i + n].decode("ascii", "replace") for k, i, n in inner}
                tls = " with ".join(
                    "".join(c if c.isprintable() else "?" for c in names[key])
                    for key in (_SSL_VERSION, _SSL_CIPHER)
                    if names.get(key)
                )
                tls = tls or "TLS"
    return tls


def _values(octets: bytes, at: int) -> list[tuple[int, int, int]] | None:
    """Give kind, place and length of each value; None where they do not fill the octets."""
    found = []
    while at < len(octets):
        if len(octets) - at < len(b"tll"):
            return None
        kind, length = struct.unpack_from("!BH", octets, at)
        at += len(b"tll")
        found.append((kind, at, length))
        at += length
    return found if at == len(octets) else None


def _table() -> tuple[int, ...]:
    entries = []
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        entries.append(value)
    return tuple(entries)


_CRC = _table()


def crc32c(octets: bytes) -> int:
    """Compute the checksum of RFC 9260 appendix A over octets."""
    value = 0xFFFFFFFF
    for octet in octets:
        value = (value >> 8) ^ _CRC[(value ^ octet) & 0xFF]
    return value ^ 0xFFFFFFFF
