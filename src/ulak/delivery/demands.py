"""What a session with another server has to be before a message goes over it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ulak.delivery.transport.policy import Dane, Sts
from ulak.smtp.sasl.client import Credentials

_DICTATED = frozenset({"dane", "dane-unusable", "mta-sts-enforce"})


@dataclass(frozen=True, slots=True)
class Demands:
    """The demands that messages for one host share.

    `name` tells sessions apart that must not be taken for each other. `tls` is None for none at
    all; where it is `required`, there is no session without it, and its certificate is the right
    one in the eyes of the context; `implicit` has it from the first octet (RFC 8314). `strict`: a
    message that cannot have this goes back. `login` gives with what to log in, when a session is
    opened, and may raise OSError; what can be read on the wire of it is sent only where TLS is
    required, or where everybody is `trusted`.

    With `dane` a record of it has to fit the certificate, with one of `names` where names count.
    `trial` is tried before `tls`, and nothing comes of it but the knowledge whether it would do.
    `skip` is why there is no session at all, and `fault` what RFC 8460 §4.3 calls it. `told` are
    the facts for the journal: which policy decided, and its words. `sts` is what the domain says.
    """

    name: str = ""
    tls: ssl.SSLContext | None = None
    required: bool = False
    implicit: bool = False
    strict: bool = False
    login: Callable[[], Credentials] | None = None
    trusted: bool = False
    dane: Dane | None = None
    names: tuple[str, ...] = ()
    trial: ssl.SSLContext | None = None
    skip: str = ""
    fault: str = ""
    told: Mapping[str, str] = field(default_factory=dict)
    sts: Sts | None = None

    @property
    def dictated(self) -> bool:
        """Whether it is a policy of the other side that demands TLS."""
        return bool(self.told) and self.told["tls-policy"] in _DICTATED
