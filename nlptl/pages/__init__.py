"""Pages: pure functions from plain values to one self-contained HTML page, without scripts and without the network.

    page("Title", [Section("Scores", [note("12 rows"), table(["set", "score"], [["test", "86.4"]], "Scores")])])

Everything that is not Markup already is escaped, so texts and labels may hold anything. What these functions give may
stand wherever a `Content` is asked for. Charts are SVG and take their numbers as they are; put the same numbers into a
table beside them, in `details` where it is long.
"""

from nlptl.pages.charts import Bar, bars, histogram, lines
from nlptl.pages.intervals import Between, intervals
from nlptl.pages.layout import Section, beside, details, facts, items, note, page, paragraph
from nlptl.pages.markup import Content, Markup, shown
from nlptl.pages.probabilities import Bin, reliability
from nlptl.pages.tables import Cell, gains, matrix, table

__all__ = [
    "Bar",
    "Between",
    "Bin",
    "Cell",
    "Content",
    "Markup",
    "Section",
    "bars",
    "beside",
    "details",
    "facts",
    "gains",
    "histogram",
    "intervals",
    "items",
    "lines",
    "matrix",
    "note",
    "page",
    "paragraph",
    "reliability",
    "shown",
    "table",
]
