"""Checks: one file for each way to trust, or not to trust, a sender. Pure."""
