"""Commands: argv to configuration, the thing done, the exit status. No logic."""
