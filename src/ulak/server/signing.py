"""A message of one's own users is signed when it is there and in order."""

from __future__ import annotations

import asyncio

from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.incoming import Incoming
from ulak.server.site import Site

_LARGE = 65_536  # octets: what takes longer to sign than to give to a thread


async def sign(site: Site, incoming: Incoming, session: str) -> Reply | None:
    """Sign a message that is to be signed; give the refusal if that cannot be done."""
    seal = incoming.seal
    if seal is None:
        return None
    if incoming.held > _LARGE:
        await asyncio.get_running_loop().run_in_executor(None, incoming.sign)
    else:
        incoming.sign()
    if seal.failure is None:
        return None
    identifier = site.incident(seal.failure, session=session, message=incoming.identifier)
    # Where room was left for signatures there is nothing to fill it with.
    if site.rules.send_unsigned and not seal.room:
        return None
    return catalog.SIGNING_FAILED.reply(id=identifier)
