"""The table of figures that the documentation shows is what was measured."""

from tests.bench import tables
from tests.bench.figures import Figures
from tests.unit.doc.pages import SOURCE

BENCH = SOURCE / "bench"


def test_the_table_is_drawn_from_the_figures():
    figures = Figures.read(BENCH / "figures.json")

    assert (BENCH / "table.rst").read_text() == tables.restructured(figures)
    assert (BENCH / "table.md").read_text() == tables.markdown(figures)
