"""The settings of the queue: which database keeps it, and a bucket for large bodies beside one."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path as File
from urllib.parse import urlsplit

from ulak.config.kinds import Bad, Choice, FileName, Flag, Plain, Size
from ulak.config.mistake import Place, Report
from ulak.config.names import Store
from ulak.config.sections import Section, setting
from ulak.config.sources import Name

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,62}")
_PREFIX = re.compile(r"(?:[A-Za-z0-9._-]{1,100}/?){0,5}")
_ENDPOINT = re.compile(
    r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._/-]{0,200})?"
)


class BucketName(Plain):
    """The name of a bucket."""

    name = "bucket-name"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a name as S3 has them."""
        if isinstance(value, str) and _NAME.fullmatch(value):
            return value
        return self.unlike(value, place)


class BucketPrefix(Plain):
    """A folder in a bucket, or `""`."""

    name = "bucket-prefix"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take names between slashes."""
        if isinstance(value, str) and _PREFIX.fullmatch(value) and ".." not in value:
            return value.strip("/")
        return self.unlike(value, place)


class BucketEndpoint(Plain):
    """The address of a service that speaks S3, or `""`."""

    name = "bucket-endpoint"

    def read(self, value: object, place: Place) -> str | Bad:
        """Take a URL without a bucket, or the empty text for Amazon's own service."""
        if value == "":
            return ""
        if isinstance(value, str) and _ENDPOINT.fullmatch(value):
            return value.rstrip("/")
        return self.unlike(value, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where large bodies go, and what becomes of them while they cannot."""

    name: str = setting(BucketName())
    endpoint: str = setting(BucketEndpoint(), "")
    region: str = setting(Name(), "us-east-1")
    prefix: str = setting(BucketPrefix(), "ulak")
    keys: File | None = setting(FileName(), None)
    ca: File | None = setting(FileName(), None)
    private: bool = setting(Flag(), default=False)
    larger_than: int = setting(Size(), 262_144)
    without: str = setting(Choice(("database", "refuse")), "database")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Where accepted mail waits."""

    store: str = setting(Store(), "sqlite")
    large_message: int = setting(Size(), 1_000_000)
    bucket: Bucket | None = setting(Section(Bucket), None)
    spill: bool = setting(Flag(), default=False)
    spill_size: int = setting(Size(1), 1_000_000_000)


def check_bucket(queue: Queue, report: Report) -> None:
    """Look whether a bucket has a database beside it, can be trusted, and its files read."""
    one = queue.bucket
    if one is None:
        return
    path = ("queue", "bucket")
    if queue.store == "sqlite":
        report.clash((path, ("queue", "store")), "bucket-needs-database")
    if one.endpoint.startswith("http:") and not (one.private or _near(one.endpoint)):
        report.clash(((*path, "endpoint"),), "bucket-in-clear")
    for key, file in (("keys", one.keys), ("ca", one.ca)):
        if file is None:
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problem = (error.strerror or "") if isinstance(error, OSError) else "UTF-8"
            report.clash(((*path, key),), "bucket-file-unreadable", problem=problem)
            continue
        if key == "keys" and not ("aws_access_key_id" in text and "aws_secret_access_key" in text):
            report.clash(((*path, key),), "bucket-keys-incomplete")


def _near(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
