"""Blocklists: who runs them, what their answers mean, and which one the words of a reply name.

What classification needs (`naming`, lists.toml) is apart from what a check needs (`table`,
zones.toml and texts), and each file is read when it is first asked for.
"""

from ulak.replies.blocklists.advice import ListAdvice, advise
from ulak.replies.blocklists.naming import Blocklister, Named, lists, named, page_of
from ulak.replies.blocklists.table import TEXTS, Entry, Meaning, entries, entry_of, find, to_ask

__all__ = [
    "TEXTS",
    "Blocklister",
    "Entry",
    "ListAdvice",
    "Meaning",
    "Named",
    "advise",
    "entries",
    "entry_of",
    "find",
    "lists",
    "named",
    "page_of",
    "to_ask",
]
