"""The doors' common room: lines in, outcomes out; the writers that post them, one process each."""
