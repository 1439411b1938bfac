"""What a run says at its end: `report.json`, the predictions, the tables, and the page that shows them."""

from nlptl.report.again import make_again
from nlptl.report.robust import Draw, Noised
from nlptl.report.views import PAGE, TABLES
from nlptl.report.writing import REPORT, Section, finished, write, write_beginning

__all__ = [
    "PAGE", "REPORT", "TABLES", "Draw", "Noised", "Section", "finished", "make_again", "write", "write_beginning",
]  # fmt: skip
