"""Bounces: from failed recipients to a report that a person understands."""
