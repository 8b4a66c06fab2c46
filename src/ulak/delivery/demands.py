"""What a session with another server has to be before a message goes over it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass

from ulak.smtp.sasl.client import Credentials


@dataclass(frozen=True, slots=True)
class Demands:
    """The demands that messages for one host share.

    `name` tells sessions apart that must not be taken for each other. `tls` is None for none at
    all; where it is `required`, there is no session without it, and its certificate is the right
    one in the eyes of the context; `implicit` has it from the first octet (RFC 8314). `strict`: a
    message that cannot have this goes back. `login` gives with what to log in, when a session is
    opened, and may raise OSError; what can be read on the wire of it is sent only where TLS is
    required, or where everybody is `trusted`.
    """

    name: str = ""
    tls: ssl.SSLContext | None = None
    required: bool = False
    implicit: bool = False
    strict: bool = False
    login: Callable[[], Credentials] | None = None
    trusted: bool = False
