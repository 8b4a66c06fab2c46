"""The keys with which outgoing mail is signed (RFC 6376): where they lie, and who signs."""
