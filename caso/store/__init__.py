"""What caso remembers, in one durable store: entities, the ledger, checkpoints."""
