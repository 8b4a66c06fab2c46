"""Other servers' words: rules that are data, and what finds the one that holds for a reply.

The rules stand in `rules/*.toml`, one file for each server software or provider; how they are
written is said in docs/patterns.md. `source` makes an index of them, which is what commands read.
"""

from ulak.replies.patterns.book import Book, Match, book
from ulak.replies.patterns.rule import Provider, Rule, words_of

__all__ = ["Book", "Match", "Provider", "Rule", "book", "words_of"]
