"""Scanners of content: rspamd over HTTP and clamd by INSTREAM, asked before a message is taken."""
