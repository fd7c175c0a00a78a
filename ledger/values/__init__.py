"""Values, the floor of the ledger: money, text, the types of fields, and the sentences of refusals."""
