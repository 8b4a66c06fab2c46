"""The settings of handlers: programs of the operator's that take the mail of a domain."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path as File
from urllib.parse import urlsplit

from ulak.config.kinds import Count, Duration, FileName
from ulak.config.lines import Path
from ulak.config.mistake import Report
from ulak.config.sections import setting
from ulak.config.values import NextHop

_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """How a program is run, or asked over HTTP."""

    timeout: float = setting(Duration(least=0.1, most=_HOUR), 60.0)
    at_once: int = setting(Count(1, 1000), 4)
    secret: File | None = setting(FileName(), None)


def check_handler(path: Path, hop: NextHop, one: Handler | None, report: Report) -> None:
    """See that what is said of a handler is of use, and that its program is there."""
    deliver, handler = (*path, "deliver"), (*path, "handler")
    if hop.way not in ("pipe", "http") and one is not None:
        report.clash((deliver, handler), "handler-of-nothing")
    secret = (*handler, "secret")
    file = None if one is None else one.secret
    if file is not None and hop.way == "pipe":
        report.clash((deliver, secret), "handler-secret")
    elif file is not None and not _holds_one(file):
        report.clash((secret,), "no-secret")
    if hop.argv and not File(hop.argv[0]).is_file():
        report.warn(deliver, "handler-missing", file=hop.argv[0])
    if hop.url.startswith("http:") and not _near(hop.url):
        report.warn(deliver, "handler-in-clear")


def _near(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _holds_one(file: File) -> bool:
    try:
        return bool(file.read_bytes().strip())
    except OSError:
        return False
