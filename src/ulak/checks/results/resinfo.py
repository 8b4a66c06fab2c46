"""What one method of authentication found, as RFC 8601 §2.2 has it: a resinfo."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Property:
    """One thing that a method looked at: `smtp.mailfrom=…`, `header.d=…`, `policy.iprev=…`."""

    ptype: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Resinfo:
    """The result of one method. `comment` is for people, `version` of the method, 1 if not said."""

    method: str
    result: str
    properties: tuple[Property, ...] = ()
    reason: str = ""
    comment: str = ""
    version: int = 1

    def value(self, ptype: str, name: str) -> str:
        """Give the value of the first property of that name, or `""`."""
        for one in self.properties:
            if (one.ptype, one.name) == (ptype, name):
                return one.value
        return ""


@dataclass(frozen=True, slots=True)
class Field:
    """An Authentication-Results field as it was read.

    Names of methods, results and properties are in lower case. `whole` is whether all of it could
    be read; what could not is left out. `instance` is that of an ARC set, 0 elsewhere.
    """

    authserv_id: str
    resinfos: tuple[Resinfo, ...] = ()
    version: int = 1
    whole: bool = True
    instance: int = 0
