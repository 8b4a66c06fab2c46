"""What happens to mail, told to programs: as it happens, and again until they have heard it."""
