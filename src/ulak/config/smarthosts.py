"""Whether what is said of a smart host goes together, and whether its files are there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path as File

from ulak.config.certificates import check_authorities, readable
from ulak.config.lines import Path
from ulak.config.mistake import Report
from ulak.config.settings import SmartHost
from ulak.config.values import Hidden

_SUBMISSIONS = ":465"  # RFC 8314 §7.3


def check_smart_host(path: Path, one: SmartHost, used: Iterable[str], report: Report) -> None:
    """Look at one; `used` are the servers that next hops name."""
    password, file = (*path, "password"), (*path, "password_file")
    if one.password and one.password_file:
        report.clash((password, file), "two-passwords")
    elif one.username and not (one.password or one.password_file):
        report.clash((password, file, (*path, "username")), "no-password")
    elif not one.username and (one.password or one.password_file):
        report.clash((password, file), "no-username")
    kept = one.password_file
    if kept is not None and readable(kept, file, report) and not _holds_one(kept):
        report.clash((file,), "no-secret")
    if one.ca is not None:
        check_authorities((*path, "ca"), one.ca, report)
    name = str(path[-1]).lower()
    if name not in used:
        report.warn(path, "smart-host-unused", server=name)
    if name.endswith(_SUBMISSIONS) and one.tls != "implicit":
        report.warn(path, "smart-host-implicit")


def _holds_one(file: File) -> bool:
    try:
        return bool(read_password(file))
    except OSError:
        return False


def read_password(file: File) -> Hidden:
    """Give the first line of a file. Raises OSError, for what is no UTF-8 too."""
    try:
        return Hidden(file.read_bytes().decode().partition("\n")[0].rstrip("\r"))
    except UnicodeDecodeError:
        message = "not UTF-8"
        raise OSError(message) from None
