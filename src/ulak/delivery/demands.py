"""What a session with another server has to be before a message goes over it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Demands:
    """The demands that messages for one host share.

    `name` tells sessions apart that must not be taken for each other. `tls` is None for none at
    all; where it is `required`, there is no session without it, and its certificate is the right
    one in the eyes of the context.
    """

    name: str = ""
    tls: ssl.SSLContext | None = None
    required: bool = False
