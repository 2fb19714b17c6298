"""The hand: ``nvr COMMAND``, one file a command."""
