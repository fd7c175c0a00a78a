"""Administration lines: who there is and on what terms. Pure; carried out by `ledger.postgres.administer`."""
