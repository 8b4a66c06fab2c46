"""The kind of a setting that is a program with its arguments."""

from __future__ import annotations

from ulak.config.kinds import BAD, Bad, Plain
from ulak.config.mistake import Place, given


class Argv(Plain):
    """A program and its arguments, one text each."""

    name = "argv"

    def read(self, value: object, place: Place) -> tuple[str, ...] | Bad:
        """Take a list of texts, the first of which is the path of a program."""
        if not isinstance(value, list) or not value or not all(isinstance(x, str) for x in value):
            return self.unlike(value, place)
        program = str(value[0])
        if not program.startswith("/") or any("\0" in text for text in value):
            place.wrong("program-path", given=given(program))
            return BAD
        return tuple(value)

    def write(self, value: object) -> object:
        """Write the list."""
        return list(value) if isinstance(value, tuple) else []
