"""What does not go together in the domains of a configuration: names, aliases, what lies beyond."""

from __future__ import annotations

from ulak.config.handlers import check_handler
from ulak.config.lines import Path
from ulak.config.mistake import Report
from ulak.config.rosters import check_roster
from ulak.config.settings import Config, Domain


def check_domains(config: Config, report: Report) -> None:
    """Tell the report what is wrong with domains, their names and their aliases."""
    by_name = {str(path[-1]).lower(): one for path, one in report.of(Domain)}
    paths = {str(path[-1]).lower(): path for path, _ in report.of(Domain)}
    for path, domain in report.of(Domain):
        name = str(path[-1]).lower()
        nobody = not (domain.mailboxes or domain.aliases or domain.roster or domain.catch_all)
        if nobody:
            report.warn(path, "only-postmaster", domain=name)
        for alias, members in domain.aliases.items():
            where = report.under((*path, "aliases"), alias)
            if alias in domain.mailboxes and f"{alias}@{name}" not in map(str.lower, members):
                boxes = (*path, "mailboxes")
                report.clash((boxes, where), "mailbox-and-alias", name=f"{alias}@{name}")
            for number, member in enumerate(members):
                if not _known(member, by_name):
                    target = paths[member.rpartition("@")[2].lower()]
                    report.clash(
                        ((*target, "mailboxes"), (*target, "aliases"), (*where, number)),
                        "alias-to-nowhere",
                        member=member,
                    )
            if not _ends(f"{alias}@{name}", by_name):
                report.clash((where,), "alias-to-itself", name=f"{alias}@{name}")
        _moved(path, domain, by_name, paths, report)
        _beyond(path, domain, by_name, report)
    for routed in config.routes:
        if routed in by_name:
            route = report.under(("route",), routed)
            report.clash((route,), "route-of-local-domain", domain=routed)


def _beyond(path: Path, domain: Domain, by_name: dict[str, Domain], report: Report) -> None:
    """Look at what lies beyond the names of a domain: its roster, details, its catch-all."""
    check_handler(path, domain.deliver, domain.handler, report)
    boxes, roster = (*path, "mailboxes"), (*path, "roster")
    if domain.roster is not None:
        check_roster(roster, domain.roster, report)
    for name in ("roster", "catch_all"):
        if "*" in domain.mailboxes and (*path, name) in report.spots:
            report.clash((boxes, (*path, name)), "everybody-and-more", name=name)
    if domain.detail_folder != "off" and not domain.separator:
        report.clash(((*path, "separator"), (*path, "detail_folder")), "folder-without-separator")
    if domain.detail_folder != "off" and domain.deliver.way != "maildir":
        where = (*path, "detail_folder")
        report.clash(((*path, "deliver"), where), "folder-without-maildir")
    caught = domain.catch_all
    if caught is not None and not _known(caught, by_name):
        report.clash((boxes, (*path, "catch_all")), "alias-to-nowhere", member=caught)


def _moved(
    path: Path, domain: Domain, by_name: dict[str, Domain], paths: dict[str, Path], report: Report
) -> None:
    """See that a name that has moved gets no mail here, and that its new address exists."""
    name = str(path[-1]).lower()
    for local, address in domain.moved.items():
        where = report.under((*path, "moved"), local)
        if local == "postmaster":  # RFC 5321 §4.5.1
            report.clash((where,), "postmaster-moved")
        for other in ("mailboxes", "aliases"):
            if local in getattr(domain, other):
                report.clash(((*path, other), where), "moved-and-here", name=f"{local}@{name}")
        if not _known(address, by_name):
            target = paths[address.rpartition("@")[2].lower()]
            report.clash(
                ((*target, "mailboxes"), (*target, "aliases"), where),
                "alias-to-nowhere",
                member=address,
            )


def _known(address: str, domains: dict[str, Domain]) -> bool:
    """Whether an address is foreign, or a mailbox or alias that there is."""
    local, _, name = address.rpartition("@")
    domain = domains.get(name.lower())
    local = local.lower()
    return (
        domain is None
        or local == "postmaster"
        or local in domain.mailboxes
        or local in domain.aliases
        or ("*" in domain.mailboxes and local not in domain.moved)
        or domain.roster is not None
        or bool(
            domain.separator
            and domain.separator in local
            and _known(f"{local.partition(domain.separator)[0]}@{name}", domains)
        )
    )


def _ends(start: str, domains: dict[str, Domain]) -> bool:
    """Whether following an alias comes to any mailbox, ours or another's."""
    seen, waiting = {start}, [start]
    while waiting:
        address = waiting.pop()
        local, _, name = address.rpartition("@")
        domain = domains.get(name)
        members = domain.aliases.get(local) if domain else None
        if members is None:
            return True
        for member in map(str.lower, members):
            if member == address:
                return True  # names itself: keeps a copy
            if member not in seen:
                seen.add(member)
                waiting.append(member)
    return False
