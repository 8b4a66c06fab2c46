"""The servers that work on one queue: who they are, what they do, and how all of it stands."""
