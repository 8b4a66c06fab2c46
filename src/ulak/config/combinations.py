"""What no setting can see by itself: values that do not go together, files that are not there."""

from __future__ import annotations

import ipaddress

from ulak.config.domains import check_domains
from ulak.config.greylist import check_greylist
from ulak.config.lines import Path
from ulak.config.mistake import Report, spell
from ulak.config.policy import Dnsbl
from ulak.config.queue import check_bucket
from ulak.config.returns import check_returns
from ulak.config.scanners import Scanner, check_scanner
from ulak.config.settings import (
    Config,
    Domain,
    Issuer,
    Listener,
    SmartHost,
    Tls,
)
from ulak.config.sources import check_sources
from ulak.config.values import Network, NextHop, SocketAddress, write_size
from ulak.config.web import Web, check_web
from ulak.config.webhooks import Webhook, check_webhook
from ulak.config.why import check_why

_SMTP_PORT = 25
_LEAST_MESSAGE = 64_000  # octets, RFC 5321 §4.5.3.1.7
_LEAST_RECIPIENTS = 100  # RFC 5321 §4.5.3.1.8


def check(config: Config, report: Report) -> None:
    """Tell the report of everything that does not go together."""
    _listeners(config, report)
    check_domains(config, report)
    _hops(config, report)
    _servers(config, report)
    _relay(config, report)
    _issuers(report)
    _times(config, report)
    _policy(config, report)
    _reports(config, report)
    _scanners(report)
    check_sources(config, report)
    check_bucket(config.queue, report)
    hooks: dict[str, Path] = {}
    for path, webhook in report.of(Webhook):
        check_webhook(path, webhook, hooks, report)
    check_returns(config.domains, config.returns, report)
    check_why(config.why, report)
    _data(config, report)


def _listeners(config: Config, report: Report) -> None:
    taken: list[tuple[Path, SocketAddress]] = []
    places = [((*path, "address"), one.address) for path, one in report.of(Listener)]
    for path, web in report.of(Web):
        places += [((*path, "address"), address) for address in web.addresses]
        check_web(path, web, report)
    for where, address in places:
        for other, known in taken:
            if _overlap(known, address):
                report.clash(
                    (other, where), "listens-twice", address=str(address), other=spell(other)
                )
        taken.append((where, address))
    for path, listener in report.of(Listener):
        _lmtp(path, listener, report)
    for path, tls in report.of(Tls):
        from ulak.config.certificates import check_certificate  # noqa: PLC0415 -- ssl is slow

        check_certificate(path, tls, report)
    for path, listener in report.of(Listener):
        _login(path, listener, report, clear=config.login.scram_in_clear)
        if listener.tls is not None and listener.tls.certificate is None and not _near(listener):
            report.warn((*path, "tls"), "own-certificate", address=str(listener.address))
    if not any(True for _ in report.of(Listener)):
        report.warn(("listener",), "no-listener")


def _lmtp(path: Path, listener: Listener, report: Report) -> None:
    """See that LMTP keeps away from SMTP's port (RFC 2033 §5), and unix sockets to LMTP."""
    kind, address = (*path, "kind"), (*path, "address")
    if listener.kind == "lmtp" and listener.address.port == _SMTP_PORT:
        report.clash((kind, address), "lmtp-on-25")
    if listener.kind == "lmtp" and listener.login in ("required", "offered"):
        report.clash((kind, (*path, "login")), "lmtp-login")
    if listener.kind != "lmtp" and listener.address.path:
        report.clash((kind, address), "unix-without-lmtp")
    if listener.kind == "lmtp" and "PIPELINING" in listener.withhold:
        report.clash((kind, (*path, "withhold")), "lmtp-needs", extension="PIPELINING")
    for name in ("socket_mode", "socket_group"):
        where = (*path, name)
        if where in report.spots and not listener.address.path:
            report.clash((address, where), "socket-without-unix")


def _login(path: Path, listener: Listener, report: Report, *, clear: bool) -> None:
    """Warn where nobody can log in as they should, or nobody has to who should."""
    where = (*path, "login")
    if listener.kind == "mx" and listener.login == "required":
        report.warn(where, "mx-needs-login")
    if listener.kind != "submission":
        return
    if listener.login in ("off", "offered"):
        report.warn(where, "submission-without-login")
    if listener.login != "off" and listener.tls is None and not _near(listener) and not clear:
        report.warn(path, "submission-without-tls", address=str(listener.address))


def _scanners(report: Report) -> None:
    taken: dict[str, Path] = {}
    for path, scanner in report.of(Scanner):
        check_scanner(path, scanner, taken, report)


def _near(listener: Listener) -> bool:
    """Whether only this machine comes to a listener; one on a unix socket has no host."""
    host = listener.address.host
    return not host or ipaddress.ip_address(host).is_loopback


def _overlap(one: SocketAddress, other: SocketAddress) -> bool:
    """Whether two addresses cannot both be listened on."""
    if one.path or other.path:
        return one.path == other.path
    if one.port != other.port or one.port == 0:
        return False
    hosts = ipaddress.ip_address(one.host), ipaddress.ip_address(other.host)
    if hosts[0].version != hosts[1].version:
        return False
    return hosts[0] == hosts[1] or any(host.is_unspecified for host in hosts)


def _hops(config: Config, report: Report) -> None:
    """No mail may be handed back to this server's own listeners."""
    hops: list[tuple[Path, NextHop]] = [
        ((*path, "deliver"), domain.deliver) for path, domain in report.of(Domain)
    ]
    hops += [(report.under(("route",), name), hop) for name, hop in config.routes.items()]
    hops += [
        ((*path, "roster", "address"), NextHop(one.kind, one.address.host, one.address.port))
        for path, one in ((path, domain.roster) for path, domain in report.of(Domain))
        if one is not None and one.address is not None
    ]
    for path, listener in report.of(Listener):
        for where, hop in hops:
            if (hop.host or hop.path) and _overlap(_numeric(hop), listener.address):
                report.clash(
                    ((*path, "address"), where), "hop-to-itself", address=str(listener.address)
                )


def _servers(config: Config, report: Report) -> None:
    file = config.delivery.authorities
    if file is not None:
        from ulak.config.certificates import check_authorities  # noqa: PLC0415 -- ssl is slow

        check_authorities(("delivery", "authorities"), file, report)
    hops = (*config.routes.values(), *(domain.deliver for domain in config.domains.values()))
    used = {str(SocketAddress(hop.host, hop.port)) for hop in hops if hop.way == "smtp"}
    for path, one in report.of(SmartHost):
        from ulak.config.smarthosts import check_smart_host  # noqa: PLC0415 -- as above

        check_smart_host(path, one, used, report)


def _numeric(hop: NextHop) -> SocketAddress:
    if hop.path:
        return SocketAddress("", 0, hop.path)
    if hop.host == "localhost":
        return SocketAddress("127.0.0.1", hop.port)
    try:
        ipaddress.ip_address(hop.host)
    except ValueError:
        return SocketAddress("0.0.0.0", 0)  # noqa: S104 -- port 0 is nobody's: a name may be anywhere
    return SocketAddress(hop.host, hop.port)


def _relay(config: Config, report: Report) -> None:
    for number, network in enumerate(config.relay.networks):
        where = ("relay", "networks", number)
        for other, denied in enumerate(config.policy.deny):
            if _inside(network, denied):
                report.clash(
                    (("policy", "deny", other), where),
                    "relay-for-the-denied",
                    network=str(network),
                    denied=str(denied),
                )


def _issuers(report: Report) -> None:
    names: dict[str, Path] = {}
    for path, issuer in report.of(Issuer):
        from ulak.config.certificates import check_keys  # noqa: PLC0415 -- ssl is slow

        check_keys((*path, "keys"), issuer.keys, report)
        where = (*path, "issuer")
        if issuer.name in names:
            report.clash((names[issuer.name], where), "issuer-twice", name=issuer.name)
        names.setdefault(issuer.name, where)


def _inside(one: Network, other: Network) -> bool:
    match one, other:
        case (ipaddress.IPv4Network(), ipaddress.IPv4Network()):
            return one.subnet_of(other)
        case (ipaddress.IPv6Network(), ipaddress.IPv6Network()):
            return one.subnet_of(other)
        case _:
            return False


def _times(config: Config, report: Report) -> None:
    delivery, retry = config.delivery, config.delivery.retry
    first, longest = ("delivery", "retry", "first"), ("delivery", "retry", "longest")
    give_up, warn = ("delivery", "give_up_after"), ("delivery", "warn_after")
    if retry.longest < retry.first:
        report.clash((first, longest), "longest-before-first")
    if delivery.give_up_after <= retry.first:
        report.clash((first, give_up), "gives-up-before-first")
    if delivery.warn_after >= delivery.give_up_after:
        report.clash((give_up, warn), "warns-after-giving-up")
    if config.dns.deadline < config.dns.timeout:
        report.clash((("dns", "timeout"), ("dns", "deadline")), "deadline-before-timeout")
    login = config.login
    if login.longest_delay < login.first_delay:
        report.clash((("login", "first_delay"), ("login", "longest_delay")), "delays-shrink")
    if login.longest_ban < login.ban_for:
        report.clash((("login", "ban_for"), ("login", "longest_ban")), "bans-shrink")
    one, all_of = ("limits", "connections_per_client"), ("limits", "connections")
    if config.limits.connections_per_client > config.limits.connections:
        report.clash((all_of, one), "client-over-all")
    one = ("delivery", "connections_per_destination")
    if delivery.connections_per_destination > delivery.connections:
        report.clash((("delivery", "connections"), one), "destination-over-all")


def _policy(config: Config, report: Report) -> None:
    zones: dict[str, Path] = {}
    for path, dnsbl in report.of(Dnsbl):
        where = (*path, "zone")
        if dnsbl.zone in zones:
            report.clash((zones[dnsbl.zone], where), "zone-twice", zone=dnsbl.zone)
        zones.setdefault(dnsbl.zone, where)
    policy = config.policy
    check_greylist(policy.greylist, report)
    size = ("policy", "max_message_size")
    if policy.max_header_size > policy.max_message_size and size in report.spots:
        header = ("policy", "max_header_size")
        if header in report.spots:
            report.clash((size, header), "header-over-message")
    if policy.max_message_size < _LEAST_MESSAGE:
        report.warn(size, "message-under-rfc", least=str(write_size(_LEAST_MESSAGE)))
    if policy.max_recipients < _LEAST_RECIPIENTS:
        report.warn(("policy", "max_recipients"), "recipients-under-rfc")


def _reports(config: Config, report: Report) -> None:
    for number, address in enumerate(config.reports.addresses):
        local, _, name = address.lower().rpartition("@")
        domain = config.domains.get(name)
        if domain is None or not {local, "*"} & set(domain.mailboxes):
            report.warn(("reports", "addresses", number), "reports-elsewhere", address=address)


def _data(config: Config, report: Report) -> None:
    if config.data.exists() and not config.data.is_dir():
        report.clash((("data",),), "data-is-a-file", path=str(config.data))
