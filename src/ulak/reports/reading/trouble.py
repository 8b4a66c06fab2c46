"""Why something cannot be read as a report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """What is wrong; `texts/` has a sentence for each."""

    NO_REPORT = "no-report"  # nothing in the mail looks like a report
    TOO_LARGE = "too-large"  # more octets than are read
    BOMB = "bomb"  # it grows out of proportion when it is unpacked
    ARCHIVE = "archive"  # a gzip or zip file that is broken, or encrypted
    MANY_FILES = "many-files"  # a zip file with more in it than one report
    NOT_XML = "not-xml"
    DECLARES = "declares"  # a document type or entities, which no report needs
    TOO_DEEP = "too-deep"
    TOO_MANY = "too-many"  # elements or records
    NOT_JSON = "not-json"
    OTHER_FORMAT = "other-format"  # XML or JSON, yet no report
    MISSING = "missing"  # something that every report has
    WRONG_VALUE = "wrong-value"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What could not be read, and why. `detail` is a name or a number, or `""`."""

    trouble: Trouble
    detail: str = ""


class UnreadableError(Exception):
    """Ends the reading of something; never leaves this folder."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(trouble, detail)
        self.unreadable = Unreadable(trouble, detail)
