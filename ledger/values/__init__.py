"""Values, the floor of the ledger: money, text, the types of fields, and how a wrong one is described."""
