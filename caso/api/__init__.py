"""What caso knows, over HTTP: Almanach's API, and caso's own."""
