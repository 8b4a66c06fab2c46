"""The fields that a signature covers, as they are hashed (RFC 6376 §3.7, §5.4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ulak.checks.dkim.canonical import Form, field, relaxed
from ulak.checks.dkim.tags import without_signature
from ulak.mail.message import raw_fields


class SignedHeader:
    """A header of which signatures take their fields; they are brought to a form once.

    `fields` are names in lower case, and the octets of the whole field with its CRLF.
    """

    __slots__ = ("_places", "_relaxed", "fields")

    def __init__(self, header: bytes) -> None:
        self.fields = raw_fields(header)
        self._places: dict[bytes, list[int]] = {}
        for place, (name, _) in enumerate(self.fields):
            self._places.setdefault(name, []).append(place)
        self._relaxed: list[bytes] = []

    @property
    def all(self) -> Mapping[bytes, Sequence[int]]:
        """The names of all fields, in lower case, and where each stands, from the top."""
        return self._places

    def places(self, name: bytes) -> list[int]:
        """Give where the fields of a name (in lower case) stand, from the top."""
        return self._places.get(name, [])

    def selected(self, names: Iterable[str], own: int | None = None) -> list[int]:
        """Give the places of the fields that `h=` names (in lower case), in its order.

        Fields of the same name are taken from the last one up, each once; a name for which no
        field is left counts as nothing (§5.4.2). `own` is the place of the signature itself.
        """
        left: dict[str, int] = {}
        chosen: list[int] = []
        for name in names:
            places = self._places.get(name.encode())
            if places is None:
                continue
            at = left.get(name, len(places)) - 1
            if at >= 0 and places[at] == own:
                at -= 1
            left[name] = max(at, 0)
            if at >= 0:
                chosen.append(places[at])
        return chosen

    def octets(self, places: Iterable[int], form: Form) -> bytes:
        """Give the fields at these places, in a form, one after the other."""
        if form is Form.SIMPLE:
            return b"".join([self.fields[place][1] for place in places])
        if not self._relaxed:
            self._relaxed = relaxed(self.fields)
        made = self._relaxed
        return b"".join([made[place] for place in places])

    def signing(self, places: Iterable[int], own: int, form: Form) -> bytes:
        """Give what a signature at `own` signs: the fields, and itself without its `b=`."""
        signature = without_signature(self.fields[own][1])
        return self.octets(places, form) + field(signature, form).removesuffix(b"\r\n")
