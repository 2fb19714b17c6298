"""The engine: the words every room shares, cameras in, chunk files on disk."""

__version__ = "0.1.0"
