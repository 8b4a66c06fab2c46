"""What is asked of the members of an alias, where it was asked of the alias (RFC 3461 §5.2.7).

Of the ways that §5.2.7.3 leaves open this is (c): the members inherit all but the wish to hear of
success, which one "expanded" report about the alias itself fulfils.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ulak.mail.envelope import RecipientWishes

_NEVER = frozenset({"NEVER"})
_SUCCESS = frozenset({"SUCCESS"})
_UNSAID = frozenset({"FAILURE", "DELAY"})  # what an empty NOTIFY may bring (§4.1)


def expand(
    address: str, members: Sequence[str], asked: RecipientWishes
) -> dict[str, RecipientWishes]:
    """Give each recipient that an accepted address stands for, with what is asked of it.

    One member inherits everything (§5.2.7.2). Of several, a member that is the address itself, a
    copy that stays, inherits everything, too; where there is none and success is to be told, the
    address is given beside its members, to be reported as expanded. Nobody is reached `through`
    itself.
    """
    own = replace(asked, through="") if asked.through else asked
    if len(members) == 1 or "SUCCESS" not in asked.notify:
        return {member: own if member == address else asked for member in members}
    quiet = replace(asked, notify=asked.notify - _SUCCESS or _NEVER)
    expanded = dict.fromkeys(members, quiet)
    if address in expanded:
        expanded[address] = own
    else:
        expanded[address] = replace(own, notify=_SUCCESS, expanded=True)
    return expanded


def both(one: RecipientWishes, other: RecipientWishes) -> RecipientWishes:
    """Join what is asked of a recipient that was reached in two ways: nothing wished is lost."""
    if one == other:
        return one
    if not one.notify and not other.notify:
        notify = one.notify
    else:
        notify = (one.notify or _UNSAID) | (other.notify or _UNSAID)
        if notify != _NEVER:
            notify -= _NEVER
    return RecipientWishes(
        notify,
        one.orcpt or other.orcpt,
        expanded=one.expanded and other.expanded,
        through=one.through if other.through else "",  # who was named is named
    )
