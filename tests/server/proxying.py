"""The other end of the PROXY protocol: headers as proxies write them."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence

from ulak.server.proxy import Header, crc32c

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def line(header: Header) -> bytes:
    """Write a header of version 1."""
    if not header.ip:
        return b"PROXY UNKNOWN\r\n"
    kind = "TCP6" if ":" in header.ip else "TCP4"
    ports = f"{header.port} {header.own_port}"
    return f"PROXY {kind} {header.ip} {header.own_ip} {ports}\r\n".encode()


def value(kind: int, octets: bytes) -> bytes:
    """Write one value of those behind the addresses."""
    return struct.pack("!BH", kind, len(octets)) + octets


def tls(version: str, cipher: str, *, client: int = 1) -> bytes:
    """Write what a proxy tells of TLS."""
    inner = value(0x21, version.encode()) + value(0x23, cipher.encode())
    return value(0x20, struct.pack("!BI", client, 0) + inner)


def binary(header: Header, values: Sequence[bytes] = (), *, checksum: bool = False) -> bytes:
    """Write a header of version 2, with a checksum as its last value where one is wanted."""
    addresses, family = b"", 0x00
    if header.ip:
        ips = ipaddress.ip_address(header.ip), ipaddress.ip_address(header.own_ip)
        family = 0x11 if ips[0].version == 4 else 0x21
        ports = struct.pack("!HH", header.port, header.own_port)
        addresses = ips[0].packed + ips[1].packed + ports
    behind = addresses + b"".join(values) + (value(0x03, bytes(4)) if checksum else b"")
    command = 0x20 if header.local else 0x21
    whole = SIGNATURE + struct.pack("!BBH", command, family, len(behind)) + behind
    return whole[:-4] + crc32c(whole).to_bytes(4) if checksum else whole
