"""The search for settings: many trials of a recipe, chosen by optuna, judged on the selecting split alone."""

from nlptl.search.running import Found, search
from nlptl.search.space import Dimension, read, usual

__all__ = ["Dimension", "Found", "read", "search", "usual"]
