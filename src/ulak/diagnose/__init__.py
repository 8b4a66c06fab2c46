"""Diagnosis: what the checks find of an address, a domain, a sender, a message, and what to do.

Pure: who resolves names comes in, and what was found goes out as a `Diagnosis`.
"""
