"""Public helpers for authors of plug-ins: record builders, fake sources, contract suites."""
