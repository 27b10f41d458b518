"""The names that a cell finds in its session, importable too."""
