"""Small changes of what makes the numbers, each of which should fail a test: ``make mutants``."""
