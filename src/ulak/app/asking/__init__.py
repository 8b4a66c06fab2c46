"""Asking all members of the cluster, and answering them.

`docs/adr/questions-through-the-database.md` says why it is done like this.
"""
