"""The keys that sign now, by domain; looked at again when their folder has changed."""

from __future__ import annotations

from ulak.keys.folder import KeyFolder, KeysError, Mark, NoSuchKeyError, Unusable
from ulak.keys.key import DkimKey, Stage


class KeyRing:
    """What is in a folder of keys, as `look` has seen it last.

    A key that could be used stays in use when its file no longer can be: mail goes on, and `look`
    says what is wrong. One that never could be used makes its domain `broken`, unless the domain
    has others.
    """

    def __init__(self, folder: KeyFolder) -> None:
        self._folder = folder
        self._marks: dict[tuple[str, str], Mark] = {}
        self._keys: dict[tuple[str, str], DkimKey] = {}
        self._broken: dict[tuple[str, str], KeysError] = {}
        self._signing: dict[str, tuple[DkimKey, ...]] = {}

    def look(self) -> list[Unusable] | None:
        """Look at the folder; give the files that have become unusable, None if nothing is new.

        Blocks for as long as a disk takes. Raises KeysError where the folder cannot be read; then
        all stays as it is.
        """
        marks = self._folder.marks()
        if marks == self._marks:
            return None
        keys, broken = dict[tuple[str, str], DkimKey](), dict[tuple[str, str], KeysError]()
        fresh: list[Unusable] = []
        for at, mark in marks.items():
            if self._marks.get(at) == mark:
                if at in self._keys:
                    keys[at] = self._keys[at]
                if at in self._broken:
                    broken[at] = self._broken[at]
                continue
            try:
                keys[at] = self._folder.read(*at)
            except NoSuchKeyError:
                continue
            except KeysError as error:
                fresh.append(Unusable(*at, error))
                broken[at] = error
                if at in self._keys:
                    keys[at] = self._keys[at]
        signing: dict[str, tuple[DkimKey, ...]] = {}
        for at, key in sorted(keys.items()):
            if key.stage is Stage.SIGNING:
                signing[at[0]] = (*signing.get(at[0], ()), key)
        self._marks, self._keys, self._broken, self._signing = marks, keys, broken, signing
        return fresh

    def signing(self, domain: str) -> tuple[DkimKey, ...]:
        """Give the keys with which mail of a domain is signed. Raises KeysError if it is broken."""
        found = self._signing.get(domain, ())
        if not found and self._broken:
            for (where, _), error in self._broken.items():
                if where == domain:
                    raise error
        return found

    @property
    def ready(self) -> bool:
        """Whether there is anything to sign with, or should be."""
        return bool(self._signing or self._broken)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains whose mail is signed."""
        return tuple(self._signing)
