"""The memory: what was recorded when, and where it lies (LMDB). See FORMAT.md."""
