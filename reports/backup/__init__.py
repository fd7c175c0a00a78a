"""Backups: the ledger's server, the lake's latest cut and the papers together, and a book made of them again."""
