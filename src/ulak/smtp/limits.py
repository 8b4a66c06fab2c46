"""What a client may use up in one session (RFC 5321 §4.5.3.1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session may use up. Octets and counts.

    RFC 5321 §4.5.3.1.4 asks for command lines of 512 octets and more for extensions; 2,048 is
    room for all of them. `errors` and `cheap_commands` (that bring no message along) begin anew
    with every message that is taken.
    """

    command_line: int = 2048
    message_size: int = 50_000_000
    errors: int = 20
    cheap_commands: int = 100
