"""What the rooms that keep something in SQLite share."""
