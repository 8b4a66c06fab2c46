"""The journal: what happened to each message and session, by cause and fact."""
