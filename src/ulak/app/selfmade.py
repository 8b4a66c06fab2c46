"""A certificate of the server's own making, for listeners that are given none.

Nobody vouches for it, so that it keeps a password from who listens in and not from who stands in
between: it is for trying out, and until there is a real one.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

from ulak import config as settings
from ulak.app.places import Places

_ENOUGH = dt.timedelta(days=30)  # that it has to be valid for, yet


def with_certificates(chosen: settings.Config) -> settings.Config:
    """Give all that has TLS a certificate; make one where there is none, or an old one.

    Raises OSError.
    """
    web = chosen.web
    given = [place.tls for place in chosen.listeners] + [web.tls if web else None]
    if all(tls is None or tls.certificate is not None for tls in given):
        return chosen
    certificate, key = _made(Places(chosen.data), chosen.hostname)
    if web is not None and web.tls is not None and web.tls.certificate is None:
        web = replace(web, tls=replace(web.tls, certificate=certificate, key=key))
    listeners = []
    for place in chosen.listeners:
        tls = place.tls
        if tls is not None and tls.certificate is None:
            tls = replace(tls, certificate=certificate, key=key)
        listeners.append(replace(place, tls=tls))
    return replace(chosen, listeners=tuple(listeners), web=web)


def _made(places: Places, hostname: str) -> tuple[Path, Path]:
    from cryptography import x509  # noqa: PLC0415 -- large, and most listeners are given one

    from ulak.lab.certificate import certificate  # noqa: PLC0415 -- as above

    chain, key = places.certificate
    try:
        found = x509.load_pem_x509_certificate(chain.read_bytes())
        named = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        fresh = found.not_valid_after_utc - dt.datetime.now(dt.UTC) > _ENOUGH
        if fresh and key.exists() and hostname in named.get_values_for_type(x509.DNSName):
            return chain, key
    except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
        pass
    return certificate(hostname).write(chain.parent, chain.stem)
