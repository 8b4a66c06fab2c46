"""The folder of the keys: DOMAIN/SELECTOR.pem, readable only by the server.

A file is written whole and then given its name, so that nobody ever reads half of one. Whoever
changes something holds the lock of the folder. A key that others than its owner may read is not
used: it has to be taken for known.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from ulak.keys import written
from ulak.keys.key import RSA_BITS, Algorithm, DkimKey, PrivateKey, Stage, is_selector

_ENDING = ".pem"
_LOCK = ".lock"
_LARGEST = 65_536  # octets of a file with one key
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_EXPONENT = 65_537

Mark = tuple[int, int, int]


class KeysError(Exception):
    """Keys cannot be used. `where` is the file; `problem` says why, with no word of a key."""

    def __init__(self, where: Path, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


class ExposedError(KeysError):
    """Others than its owner may read the file of a key, whose permissions are `mode`."""

    def __init__(self, where: Path, mode: int) -> None:
        super().__init__(where, f"others may read it (its mode is {mode:04o}; it has to be 0600)")
        self.mode = mode


class ThereAlreadyError(Exception):
    """There is a key of this selector; it is the error's only argument."""


class NoSuchKeyError(Exception):
    """There is no key of this selector; it is the error's only argument."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file in the folder that holds no key that can be used. `error` says why."""

    domain: str
    selector: str
    error: KeysError


class KeyFolder:
    """The keys in a folder, which need not be there before the first is made."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def marks(self) -> dict[tuple[str, str], Mark]:
        """Say by domain and selector which files there are, so that a change can be seen.

        Raises KeysError where the folder cannot be read.
        """
        found: dict[tuple[str, str], Mark] = {}
        for domain in self._listed(self.path):
            folder = self.path / domain
            for name in self._listed(folder):
                selector = name.removesuffix(_ENDING)
                if selector != name and is_selector(selector):
                    with suppress(OSError):  # just removed
                        at = (folder / name).stat()
                        found[domain, selector] = (at.st_mtime_ns, at.st_ctime_ns, at.st_ino)
        return found

    def every(self) -> tuple[list[DkimKey], list[Unusable]]:
        """Give all keys in order of domain, stage and selector, and the files that are none."""
        keys: list[DkimKey] = []
        unusable: list[Unusable] = []
        for domain, selector in sorted(self.marks()):
            try:
                keys.append(self.read(domain, selector))
            except NoSuchKeyError:
                continue
            except KeysError as error:
                unusable.append(Unusable(domain, selector, error))
        return keys, unusable

    def of(self, domain: str) -> list[DkimKey]:
        """Give the keys of a domain. Raises KeysError if one of them cannot be used."""
        return [self.read(d, s) for d, s in sorted(self.marks()) if d == domain]

    def read(self, domain: str, selector: str) -> DkimKey:
        """Read a key. Raises NoSuchKeyError and KeysError."""
        if not _is_domain(domain) or not is_selector(selector):
            raise NoSuchKeyError(selector)
        path = self._file(domain, selector)
        try:
            # Not to wait for who writes into a pipe.
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            raise NoSuchKeyError(selector) from None
        except OSError as error:
            raise _failed(path, error) from error
        try:
            at = os.fstat(file)
            if not stat.S_ISREG(at.st_mode):
                raise KeysError(path, "it is no file")
            if at.st_mode & _OTHERS:
                raise ExposedError(path, stat.S_IMODE(at.st_mode))
            if at.st_uid not in {0, os.geteuid(), self.path.parent.stat().st_uid}:
                raise KeysError(path, "it belongs to somebody else, who could read and change it")
            octets = os.read(file, _LARGEST)
        except OSError as error:
            raise _failed(path, error) from error
        finally:
            os.close(file)
        try:
            return written.read(octets, domain, selector)
        except written.NoKeyError as error:
            raise KeysError(path, str(error)) from None

    def make(
        self, domain: str, base: str, algorithms: tuple[Algorithm, ...], now: float, *, exact: bool
    ) -> list[DkimKey]:
        """Make a key for each algorithm; several have the algorithm's name at the end of theirs.

        `exact`: the selector is as it was asked for, and one that there is already is an error;
        otherwise a letter is added that makes it a new one. Raises ThereAlreadyError, KeysError.
        """
        fresh = {algorithm: _generate(algorithm) for algorithm in algorithms}
        with self._locked():
            for ending in ("",) if exact else ("", *map(chr, range(ord("b"), ord("z") + 1))):
                names = {
                    algorithm: f"{base}{ending}-{algorithm}" if len(fresh) > 1 else base + ending
                    for algorithm in fresh
                }
                taken = [n for n in names.values() if os.path.lexists(self._file(domain, n))]
                if not taken:
                    break
            else:
                raise ThereAlreadyError(taken[0])
            keys = [
                DkimKey(domain, names[algorithm], private, made=now)
                for algorithm, private in fresh.items()
            ]
            for key in keys:
                self._write(key)
        return keys

    def change(self, domain: str, selector: str, stage: Stage, now: float) -> DkimKey:
        """Bring a key to another stage of its life. Raises NoSuchKeyError and KeysError."""
        with self._locked():
            old = self.read(domain, selector)
            if old.stage is stage:
                return old
            activated, retired = old.activated, old.retired
            if stage is Stage.SIGNING:
                activated, retired = now, None
            elif stage is Stage.RETIRED:
                retired = now
            key = replace(old, stage=stage, activated=activated, retired=retired)
            self._write(key)
        return key

    def remove(self, domain: str, selector: str) -> None:
        """Delete a key, whatever is in its file. Raises NoSuchKeyError and KeysError."""
        if not _is_domain(domain) or not is_selector(selector):
            raise NoSuchKeyError(selector)
        path = self._file(domain, selector)
        if not os.path.lexists(path):  # nor is a folder made, to lock it
            raise NoSuchKeyError(selector)
        with self._locked():
            try:
                path.unlink()
                _sync(path.parent)
            except FileNotFoundError:
                raise NoSuchKeyError(selector) from None
            except OSError as error:
                raise _failed(path, error) from error
            with suppress(OSError):  # it holds other keys
                path.parent.rmdir()

    def _file(self, domain: str, selector: str) -> Path:
        return self.path / domain / (selector + _ENDING)

    def _listed(self, folder: Path) -> list[str]:
        try:
            return [each.name for each in folder.iterdir() if not each.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _failed(folder, error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder(self.path)
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _failed(self.path, error) from error
        try:
            self._give(lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _folder(self, path: Path) -> None:
        """Make a folder that is the server's alone."""
        if path.is_dir():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._give(folder)
        finally:
            os.close(folder)
        _sync(path.parent)

    def _write(self, key: DkimKey) -> None:
        """Write a key under a name of its own, and then give it its name."""
        path = self._file(key.domain, key.selector)
        half = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._folder(path.parent)
            with suppress(FileNotFoundError):
                half.unlink()  # of a process of this number that was killed
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(half, flags, 0o600), "wb") as stream:
                self._give(stream.fileno())
                stream.write(written.write(key))
                stream.flush()
                os.fsync(stream.fileno())
            half.rename(path)
            _sync(path.parent)
        except OSError as error:
            with suppress(OSError):
                half.unlink()
            raise _failed(path, error) from error

    def _give(self, file: int) -> None:
        """Let a file that root makes belong to the owner of the data: it is the server's."""
        if os.geteuid() == 0:
            owner = self.path.parent.stat()
            os.fchown(file, owner.st_uid, owner.st_gid)


def _is_domain(text: str) -> bool:
    """Whether a text can be the name of a domain's folder, and of no other."""
    return bool(text) and not text.startswith(".") and "/" not in text and "\0" not in text


def _generate(algorithm: Algorithm) -> PrivateKey:
    if algorithm is Algorithm.RSA:
        return generate_private_key(_EXPONENT, RSA_BITS)
    return Ed25519PrivateKey.generate()


def _failed(path: Path, error: OSError) -> KeysError:
    return KeysError(path, error.strerror or type(error).__name__)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
