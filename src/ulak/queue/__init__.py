"""The queue: messages that are ours to deliver, kept until they are."""
