"""Values, the floor of the ledger (DECISIONS D192): money, text, the types of fields, and the sentences of refusals."""
