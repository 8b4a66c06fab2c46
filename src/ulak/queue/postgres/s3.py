"""A bucket that speaks S3, through obstore; imported only where one is configured.

Signatures, TLS, credentials from the environment or a machine's role, and short repetitions (two
of them, within three seconds) are the library's.
"""

from __future__ import annotations

import asyncio
import configparser
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from ulak.queue.postgres.objects import BucketError, Listed, MissingError

if TYPE_CHECKING:  # they are there for readers of types alone
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

_CONNECT = "2s"
_LONGEST = "15m"  # for one request; who asks is less patient
_STALLED = 5.0  # seconds without an octet
_LOOK = 10.0  # seconds for a verb that moves no bodies
_PIECE = 1_000_000  # octets
_PAGE = 1000  # objects: what S3 gives and deletes at once
_KEYS_ARE_GOOD_FOR = timedelta(minutes=5)  # then their file is read again

_RETRY: RetryConfig = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=3),
    "backoff": {"max_backoff": timedelta(seconds=1)},
}

_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,64})</Code>")
_STATUS = re.compile(r"status code: ([0-9]{3})\b")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bucket is.

    `endpoint` is "" for Amazon's own. `keys` is a file with the access key, None where the
    environment or the machine has it; `authority` a file of certificates to trust beside the
    system's.
    """

    bucket: str
    endpoint: str = ""
    region: str = "us-east-1"
    keys: Path | None = None
    authority: Path | None = None


class S3:
    """Implements `Objects`. Raises BucketError where its place cannot be one."""

    def __init__(self, place: Place) -> None:
        client: ClientConfig = {
            "connect_timeout": _CONNECT,
            "timeout": _LONGEST,
            "user_agent": "ulak",
            "allow_http": place.endpoint.startswith("http:"),
        }
        if place.authority is not None:
            try:
                client["root_certificate"] = place.authority.read_bytes()
            except OSError as error:
                raise BucketError(error.strerror or "") from error
        config: S3Config = {"region": place.region, "checksum_algorithm": "sha256"}
        if place.endpoint:
            config["endpoint"] = place.endpoint
        keys = None if place.keys is None else _Keys(place.keys)
        try:
            self._store, self._one_by_one = (
                S3Store(
                    place.bucket,
                    config={**config, "disable_bulk_delete": singly},
                    client_options=client,
                    retry_config=_RETRY,
                    credential_provider=keys,
                )
                for singly in (False, True)
            )
        except Exception as error:
            raise BucketError(_problem(error)) from error

    async def put(self, key: str, octets: bytes | mmap, patience: float) -> str:
        """Keep octets in one request, which is signed with their hash."""
        try:
            async with asyncio.timeout(patience):
                done = await obstore.put_async(self._store, key, octets, use_multipart=False)
        except Exception as error:
            raise BucketError(_problem(error)) from error
        return (done["e_tag"] or "").strip('"').lower()

    async def get(self, key: str, patience: float) -> AsyncIterator[bytes]:
        """Give the octets in pieces of about a megabyte."""
        clock = asyncio.get_running_loop().time
        end = clock() + patience
        try:
            async with asyncio.timeout(_STALLED):
                found = await obstore.get_async(self._store, key)
            pieces = aiter(found.stream(min_chunk_size=_PIECE))
        except Exception as error:
            raise _missing_or(error) from error
        while True:
            try:
                async with asyncio.timeout(min(_STALLED, end - clock())):
                    piece = await anext(pieces, None)
            except Exception as error:
                raise _missing_or(error) from error
            if piece is None:
                return
            yield bytes(piece)

    def read(self, key: str) -> bytes:
        """Give the octets whole."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except Exception as error:
            raise _missing_or(error) from error

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects, a thousand at a time where the bucket can do that."""
        for start in range(0, len(keys), _PAGE):
            some = keys[start : start + _PAGE]
            try:
                async with asyncio.timeout(_LOOK):
                    await obstore.delete_async(self._store, some)
            except TimeoutError as error:
                raise BucketError(_problem(error)) from error
            except Exception as error:
                if not _CODE.search(str(error)) and not _STATUS.search(str(error)):
                    raise BucketError(_problem(error)) from error
                await self._delete_singly(some)

    async def _delete_singly(self, keys: Sequence[str]) -> None:
        try:
            for key in keys:
                async with asyncio.timeout(_LOOK):
                    await obstore.delete_async(self._one_by_one, key)
        except FileNotFoundError:
            pass
        except Exception as error:
            raise BucketError(_problem(error)) from error

    async def list(self, prefix: str, after: str) -> Sequence[Listed]:
        """Give a page."""
        try:
            async with asyncio.timeout(_LOOK):
                pages = obstore.list(
                    self._store, prefix or None, offset=after or None, chunk_size=_PAGE
                )
                async for page in pages:
                    return [Listed(one["path"], one["last_modified"].timestamp()) for one in page]
        except Exception as error:
            raise BucketError(_problem(error)) from error
        return []


class _Keys:
    """Reads an access key, in the form of Amazon's files: `[default]`, `aws_access_key_id = …`."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __call__(self) -> S3Credential:
        text = self._file.read_text(encoding="utf-8")
        parser = configparser.ConfigParser(interpolation=None, default_section="")
        parser.read_string(text if text.lstrip().startswith("[") else f"[default]\n{text}")
        found = parser[parser.sections()[0]]
        return {
            "access_key_id": found["aws_access_key_id"],
            "secret_access_key": found["aws_secret_access_key"],
            "token": found.get("aws_session_token"),
            "expires_at": datetime.now(UTC) + _KEYS_ARE_GOOD_FOR,
        }


def _missing_or(error: Exception) -> Exception:
    """Tell a missing object from a missing bucket, and both from a bucket that is away."""
    if isinstance(error, FileNotFoundError) and "<Code>NoSuchKey</Code>" in str(error):
        return MissingError()
    return BucketError(_problem(error))


def _problem(error: Exception) -> str:
    """Say what is wrong: the code that S3 has for it, and nothing else of what was said."""
    if isinstance(error, TimeoutError):
        return "timed out"
    said = str(error)
    if code := _CODE.search(said):
        return code[1]
    if status := _STATUS.search(said):
        return f"HTTP {status[1]}"
    if isinstance(error, (obstore.exceptions.BaseError, OSError)):
        return "no connection"
    return type(error).__name__
