"""DataCard: everything that is known of a data set, in one value."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, PrivateAttr

from nlptl import kinds
from nlptl.cards.files import Count, Division, Language, Name, Pool, Split
from nlptl.cards.form import Form
from nlptl.errors import BadInput, Problem
from nlptl.strict import Value

if TYPE_CHECKING:
    from nlptl.sources import Source as AnySource
else:
    AnySource = kinds.one_of("sources")

Rule = Literal["empty", "in no band", "no label", "lost answer", "broken form"]
Mend = Literal["offset"]


class Band(Value):
    """The ratings that become one label."""

    at_least: float | None = None
    """The lowest rating of the band; absent: no bound."""

    at_most: float | None = None
    """The highest rating of the band; absent: no bound."""

    def holds(self, rating: float) -> bool:
        """Say whether a rating lies in the band."""
        return (self.at_least is None or rating >= self.at_least) and (self.at_most is None or rating <= self.at_most)


class OnHub(Value):
    """The same data on the hub: read where a file below the data root is absent and the network is allowed."""

    repository: str = Field(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")
    """`owner/name`."""

    revision: str = Field(pattern=r"^[0-9a-f]{40}$")
    """The commit."""

    config: str | None = None
    """Which of the repository's configurations."""

    columns: Mapping[str, str]
    """Canonical column -> column there."""

    splits: Mapping[Name, str]
    """Our split or pool -> split there."""


class Fault(Value):
    """Something that is wrong with the data."""

    what: str = Field(min_length=1)
    """The fault, with its count."""

    remedy: str = Field(min_length=1)
    """What nlptl does about it, or that it does nothing."""


class Overlap(Value):
    """Rows that stand in two splits at once, counted."""

    splits: tuple[Name, Name]
    """The split learnt from, and the one scored."""

    exact: Count
    """Rows of the second whose text stands in the first, case, spaces and punctuation aside."""

    near: Count
    """Further rows of the second that are near-duplicates of a row of the first."""


class DataCard(Value):
    """One data set: what it is, where it lies, and how its columns become those that a task reads."""

    name: Name
    """The card's file name without its ending."""

    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    tasks: tuple[str, ...] = Field(min_length=1)
    """The kinds of task that it suits."""

    languages: tuple[Language, ...] = Field(min_length=1)
    """ISO 639-3 codes."""

    parallel: bool = False
    """Whether ids that are alike but for the language are one item in several languages, translated."""

    licence: str = Field(min_length=1)
    """As its makers state it; doubt is said."""

    citation: str = Field(min_length=1)
    homepage: str | None = None

    source: AnySource
    """How its files are read."""

    columns: Mapping[str, str | Mapping[str, str]]
    """Canonical column -> column in the data (`meta.title` for a key within a key). `id`, where the data have unique
    ids of their own. `label` and `labels` may also be label -> column of 0 and 1."""

    labels: tuple[str, ...] = ()
    """Label names in their order; the order is part of every trained model."""

    label_values: Literal["names", "numbers"] | Mapping[str, str] = "names"
    """What the data write: the names, their numbers from 0, or (value -> name) something else; only then may JSON's
    `true`, `false` and numbers be labels, under the names that JSON gives them."""

    bands: Mapping[str, Band] | None = None
    """How a rating becomes a label: label -> band. Rows in no band are dropped and counted."""

    form: Form | None = None
    """For semantic parsing: the language of the logical forms in the column `form`, and their database."""

    separator: str | None = Field(default=None, min_length=1)
    """What stands between several labels of a row, in formats that know no lists."""

    unescape: Literal["html"] | None = None
    """`html`: entities such as `&amp;` are left over from a web page and are turned back into characters."""

    drop: Mapping[Rule, Mapping[Name, Count]] = Field(default_factory=dict)
    """Which faulty rows are dropped: rule -> pool or split -> how many. Checked; without an entry they are an error."""

    mend: Mapping[Mend, Mapping[Name, Count]] = Field(default_factory=dict)
    """Which faults are mended: rule -> pool or split -> how many. Checked; without an entry they are an error.
    `offset`: an answer that does not stand where it is said to, and can be meant in one place only."""

    pools: Mapping[Name, Pool] = Field(default_factory=dict)
    division: Division | None = None
    splits: Mapping[Name, Split] = Field(min_length=1)
    hub: OnHub | None = None
    overlaps: tuple[Overlap, ...] = ()
    faults: tuple[Fault, ...] = ()

    _place: Path | None = PrivateAttr(default=None)
    """The file that it was read from."""

    def grammar_file(self) -> Path:
        """Give the Lark file of its forms, which lies beside the card. Raises BadInput where it names none."""
        if self.form is None or self.form.grammar is None or self._place is None:
            fix = "write grammar: FILE.lark under 'form', or take grammar: learnt"
            raise BadInput(f"card {self.name}", Problem("names no grammar for its forms", field="form", fix=fix))
        place = self._place.parent / self.form.grammar
        if not place.is_file():
            raise BadInput(f"card {self.name}", Problem("there is no such grammar", str(place), "form.grammar"))
        return place

    @property
    def several(self) -> bool:
        """Whether a row may have several labels."""
        return "labels" in self.columns
