"""Metrics: a figure declared in a few lines of TOML, the same through every door (DECISIONS D203)."""
