"""How a client comes: through a proxy perhaps, to TLS first perhaps, and to a greeting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from ulak.accounts.account import Account
from ulak.replies import catalog
from ulak.replies.refusal import carries_id
from ulak.replies.reply import Reply
from ulak.server import notes
from ulak.server.connection import Connection
from ulak.server.entrance import Entrance
from ulak.server.proxy import Fault, Header, HeaderReader
from ulak.server.received import Hop
from ulak.server.site import Networks, Site, within
from ulak.smtp import events
from ulak.smtp.offers import Offers

if TYPE_CHECKING:  # as in `wire`
    from ulak.server.tls import TlsContext

_NOTED = 50  # refusals of one session that get an entry each


class Arrival(Connection):
    """A connection whose client is met and greeted.

    `implicit`: TLS begins with the first octet (RFC 8314). Connections from `proxies` begin with
    a PROXY header, and what it tells of the client holds from there on; all others come
    directly. Clients in `fronts` may say whom they speak for (XCLIENT), and that one is then
    met and greeted. A client whose address is not known may not relay.
    """

    __slots__ = (
        "_entrance",
        "_fronts",
        "_here",
        "_ids",
        "_implicit",
        "_known",
        "_listener",
        "_login",
        "_met",
        "_proxies",
        "_relay",
        "refused",
    )

    def __init__(
        self,
        site: Site,
        connections: set[Connection],
        tls: TlsContext | None,
        offers: Offers,
        *,
        implicit: bool,
        proxies: Networks,
        fronts: Networks,
    ) -> None:
        super().__init__(site, connections, tls, offers)
        self._implicit = implicit
        self._proxies = proxies
        self._fronts = fronts
        self._listener: object = None
        self._here = ""  # the IP address to which the client has come
        self._met = False
        self._known = True
        self._login = ""  # by the word of a server in front
        self._relay = False
        self.refused = 0
        self._ids: dict[str, str] | None = None  # of the refusals, by cause the last one's
        self._entrance = Entrance(site, self.id)

    @property
    def account(self) -> Account | None:
        """Who has logged in."""
        return self._entrance.account

    @property
    def listener(self) -> str:
        """Where the client has come to: an address and a port, or the path of a unix socket."""
        return notes.place(self._listener)

    def arrive(self, transport: asyncio.Transport) -> None:
        """Meet the client, or the proxy that will tell of it."""
        site = self._site
        peer = transport.get_extra_info("peername")
        host, port = peer[:2] if isinstance(peer, tuple) else ("", 0)
        self._listener = own = transport.get_extra_info("sockname")
        self._here = _plain(own[0]) if isinstance(own, tuple) else ""
        self.ip = _plain(host)
        if not (self._proxies and within(self.ip, self._proxies)):
            self._meet(port)
        elif site.enter(self.ip, trusted=True) is None:
            self._header = HeaderReader()
            self.deadline = self._loop.time() + site.rules.handshake_timeout
        else:
            site.leave(self.ip)
            self._meet(port, known=False)

    def introduced(self, told: Header | Fault) -> None:
        """Meet the client of which a proxy has told."""
        site, proxy = self._site, self.ip
        if isinstance(told, Fault):
            self._met = True
            facts = {"proxy": proxy}
            site.journal.write(
                notes.connected(site.clock(), self.id, proxy, 0, self._listener, facts)
            )
            reply = catalog.BAD_PROXY_HEADER.reply(hostname=site.rules.hostname, problem=told.value)
            self._send_raw(self._refuse(reply).to_wire())
            self.core.close()
            self._close()
            return
        site.leave(proxy)
        self.ip = told.ip or proxy
        self._here = told.own_ip or self._here
        self._meet(told.port, known=bool(told.ip), proxy=proxy, proxy_tls=told.tls)

    def _meet(self, port: int, *, known: bool = True, proxy: str = "", proxy_tls: str = "") -> None:
        """Greet, or begin TLS, where there is room for the client."""
        facts = {"proxy": proxy, "proxy-tls": proxy_tls}
        refusal = self._enter(port, facts, known=known)
        if not self._implicit:
            self._welcome(refusal)
            self._run(said=True)
        elif refusal is None:
            self.start_tls()
        else:
            self._refuse(refusal)
            self.abort()  # it could not read a reply

    async def _speak_for(self, said: events.XClient) -> None:
        """Begin anew with the client for which another server speaks."""
        site, front, entrance = self._site, self.ip, self._entrance
        login = self._login if said.login is None else said.login
        if not login:
            entrance.forget()
        elif (reply := await entrance.take_word(login, said.ip or front)) is not None:
            self.core.answer(said, self._refuse(reply, **entrance.facts))
            return
        if self._transport is None:
            return
        self._login = login
        self.forget()
        site.leave(front)
        known = self._known if said.ip is None else bool(said.ip)
        self.ip = said.ip or front
        self.core.begin_anew(said.helo or "", entrance.account.address if entrance.account else "")
        facts = {"front": front, "name": said.name or "", **entrance.facts}
        refusal = self._enter(said.port or 0, facts, known=known)
        if refusal is None and site.admit is not None and self.ip:
            refusal = await site.admit(self.ip, self.id)
        self._greet(refusal)

    def _enter(self, port: int, facts: dict[str, str], *, known: bool) -> Reply | None:
        """Count the client in and note it. Give the reply where there is no room for it.

        `known`: its address is really its own. Facts that are empty are none.
        """
        site = self._site
        self._met = True
        self._known = known
        self._relay = known and site.may_relay(self.ip)
        front = bool(self._fronts) and known and within(self.ip, self._fronts)
        self.core.place(trusted=self._relay, front=front)
        # All clients of a unix socket would count as one.
        refusal = site.enter(self.ip, trusted=self._relay or not self.ip)
        site.journal.write(
            notes.connected(site.clock(), self.id, self.ip, port, self._listener, facts)
        )
        return refusal

    def _welcome(self, refusal: Reply | None) -> None:
        """Greet, after asking whether the client is welcome."""
        site = self._site
        if refusal is not None or site.admit is None or not self.ip:
            self._greet(refusal)
        else:
            self._wait_for(self._admit(site.admit))

    def secured(self) -> None:
        """Greet where TLS came first."""
        self._entrance.forget()
        if self._implicit:
            self._welcome(None)
            self._run(said=True)

    def unsecured(self, problem: str, *, clear: bool) -> None:
        """Tell the journal, and where TLS comes first also a client that speaks in clear.

        A mail program that is set to STARTTLS waits there for a greeting, and would never learn
        why it does not come.
        """
        site = self._site
        if not (clear and self._implicit):
            site.journal.write(notes.handshake_failed(site.clock(), self.id, self.ip, problem))
            return
        reply = catalog.TLS_FIRST.reply(hostname=site.rules.hostname)
        self._send_raw(self._refuse(reply).to_wire())

    async def _admit(self, admit: Callable[[str, str], Awaitable[Reply | None]]) -> None:
        self._greet(await admit(self.ip, self.id))

    def _greet(self, refusal: Reply | None) -> None:
        rules = self._site.rules
        if refusal is None:
            self.core.greet(catalog.READY.reply(hostname=rules.hostname))
            return
        self.core.greet(self._refuse(refusal))
        # RFC 5321 §3.1: the client has until then to say QUIT
        self.deadline = self._loop.time() + rules.refused_timeout

    def _refuse(self, reply: Reply, **facts: str) -> Reply:
        """Note a refusal. Give it as it is said: with the id under which it is found.

        Where there are too many to be noted, those of one cause are found as one.
        """
        self.refused += 1
        site = self._site
        said, identifier = self._marked(reply, again=self.refused > _NOTED)
        if identifier or self.refused <= _NOTED:
            told = {**self._facts(), **facts}
            site.journal.write(notes.refused(site.clock(), self.id, said, told, identifier))
        return said

    def _marked(self, reply: Reply, *, again: bool = False) -> tuple[Reply, str]:
        """Give a refusal with an id behind its words, and the id if it is a new one.

        `again`: one of the same cause is good enough.
        """
        marking, known = self._site.marking, self._ids or {}
        if marking is None:
            return reply, ""
        if reply.cause == catalog.REFUSED_EARLIER.name and known:
            return marking.mark(reply, next(iter(known.values()))), ""
        if not carries_id(reply):
            return reply, ""
        if again and reply.cause in known:
            return marking.mark(reply, known[reply.cause]), ""
        identifier = marking.draw()
        self._ids = {**known, reply.cause: identifier}
        return marking.mark(reply, identifier), identifier

    @property
    def _strange(self) -> bool:
        """Whether the client is another mail server, as far as is known, and none of our own."""
        at_the_door = self.core.standing.offers.kind == "mx" and self._known and bool(self.ip)
        return at_the_door and not self._relay and self.account is None

    def _hop(self) -> Hop:
        core = self.core
        return Hop(
            core.client_name,
            self.ip,
            core.hostname,
            core.extended,
            self.tls,
            authenticated=self.account is not None,
            lmtp=core.standing.offers.kind == "lmtp",
        )

    def _facts(self) -> dict[str, str]:
        facts = {"ip": self.ip} if self.ip else {}
        if self.core.client_name:
            facts["client"] = self.core.client_name
        if self.tls:
            facts["tls"] = self.tls
        if self.doubt:
            facts["doubt"] = self.doubt
        if self.account is not None:
            facts["account"] = self.account.address
        return facts


def _plain(host: str) -> str:
    """Give an IP address without its zone, one of IPv4 as such."""
    return host.removeprefix("::ffff:").partition("%")[0]
