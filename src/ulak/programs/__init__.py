"""Programs of the operator's that are run: bounded in time and output, never by a shell."""
