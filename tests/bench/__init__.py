"""What a run costs, in calls, seconds and memory, beside what a plain listing costs and beside cASO 5.2.2; ``make bench``.

Everything is measured on the real cloud of ``tests.cloud``, side by side in one run, through the same proxy: caso, each run a
process of its own; the floor (``floor.py``), a bare client that reads the pages of a plain full listing and does nothing
with them; and cASO from PyPI, in a virtual environment of its own. ``figures.json`` has what was measured; the table and the
plots that the documentation shows are drawn from it.
"""
