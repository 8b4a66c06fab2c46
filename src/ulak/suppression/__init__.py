"""Addresses that nothing is sent to any more: who stands there, why, and until when."""
