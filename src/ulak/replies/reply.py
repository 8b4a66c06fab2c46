"""One reply of an SMTP server (RFC 5321 §4.2, RFC 2034, RFC 3463)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

_NO_FACTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as it goes over the wire, with the cause and the facts behind it.

    `code` is the basic code. `detail` is the enhanced code without its class (`7.1`), or None
    where RFC 2034 has none (banner, EHLO, 354); the class is derived from the basic code, so
    that the two can never disagree. `lines` are texts without codes and line ends:
    ASCII, but for an address that RFC 6531 §3.7.4 lets stand in UTF-8.
    """

    code: int
    detail: str | None
    lines: tuple[str, ...]
    cause: str = ""
    facts: Mapping[str, str] = field(default_factory=lambda: _NO_FACTS, compare=False)
    _wire: bytes = field(default=b"", init=False, repr=False, compare=False)

    @property
    def enhanced(self) -> str | None:
        """The enhanced code with its class digit, or None."""
        if self.detail is None:
            return None
        return f"{self.code // 100}.{self.detail}"

    @property
    def text(self) -> str:
        """All lines as one text, without codes."""
        return "\n".join(self.lines)

    @property
    def positive(self) -> bool:
        """Whether the reply accepts (2yz) or goes on (3yz)."""
        return self.code < 400  # noqa: PLR2004 -- the first digit is the meaning, RFC 5321 §4.2.1

    @property
    def temporary(self) -> bool:
        """Whether the reply is a transient failure (4yz)."""
        return 400 <= self.code < 500  # noqa: PLR2004 -- as above

    @property
    def permanent(self) -> bool:
        """Whether the reply is a permanent failure (5yz)."""
        return self.code >= 500  # noqa: PLR2004 -- as above

    def __str__(self) -> str:
        """Give the reply on one line, as a log or a bounce quotes it."""
        parts = [str(self.code)]
        if self.enhanced is not None:
            parts.append(self.enhanced)
        parts.extend(self.lines)
        return " ".join(parts)

    def bare(self) -> Reply:
        """Give the reply without its enhanced code, for where RFC 2034 §4 has none."""
        return replace(self, detail=None)

    def to_wire(self) -> bytes:
        """Encode for the wire: every line ends in CRLF, all but the last have a hyphen."""
        if not self._wire:
            enhanced = "" if self.detail is None else f"{self.code // 100}.{self.detail} "
            last = len(self.lines) - 1
            wire = "".join(
                f"{self.code}{' ' if i == last else '-'}{enhanced}{line}\r\n"
                for i, line in enumerate(self.lines)
            ).encode()
            object.__setattr__(self, "_wire", wire)  # a constant reply is encoded once
        return self._wire
