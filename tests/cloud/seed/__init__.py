"""What the test cloud contains: planned from a Seed, without any service, as plain data."""
