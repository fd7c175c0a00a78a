"""Bank statement files in: read, matched to accounts, posted as payments."""
