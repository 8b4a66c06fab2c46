"""The pages of well-known blocklists: where a listed address is looked up and removed.

Only lists whose page was known to work in 2026. A list that is not here is not worse; the reply
that names it is the way to it.
"""

from __future__ import annotations

# The end of the zone's name, the list's short name, and its page.
_PAGES: tuple[tuple[str, str, str], ...] = (
    ("spamhaus.org", "spamhaus", "https://check.spamhaus.org/"),
    ("spamhaus.net", "spamhaus", "https://check.spamhaus.org/"),
    ("barracudacentral.org", "barracuda", "https://www.barracudacentral.org/rbl/removal-request"),
    ("spamcop.net", "spamcop", "https://www.spamcop.net/bl.shtml"),
    ("uceprotect.net", "uceprotect", "https://www.uceprotect.net/en/rblcheck.php"),
    ("surriel.com", "psbl", "https://psbl.org/remove"),
    ("mailspike.net", "mailspike", "https://mailspike.org/iplookup.html"),
    ("spamrats.com", "spamrats", "https://spamrats.com/removal.php"),
    ("abusix.zone", "abusix", "https://lookup.abusix.com/"),
)


def page_of(zone: str) -> tuple[str, str] | None:
    """Give the short name and the page of the list behind a zone, or None."""
    name = zone.rstrip(".").lower() if zone.isascii() else ""
    for end, short, page in _PAGES:
        if name == end or name.endswith("." + end):
            return short, page
    return None
