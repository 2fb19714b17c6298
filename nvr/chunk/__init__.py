"""Chunk files: self-contained fragmented MP4, one a minute and track. See FORMAT.md."""
