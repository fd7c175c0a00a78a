"""Notebooks as editions: typed parameters, one file that opens anywhere, kept with its cut and its controls."""
