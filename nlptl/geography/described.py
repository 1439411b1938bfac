"""What is asked of a country, and how the country is named: each of the one with each of the other is a template.

That is what a compositional split is made of: a model sees every question and every way to name a country in training,
and some pairs of them only afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nlptl.geography.template import Args, Fact, Kind, Template, Truth, first, positive, quoted, some
from nlptl.geography.world import Country, World


@dataclass(frozen=True)
class Asked:
    """Something that is asked of a country; `{c}` in its SQL is an expression for the country's name."""

    label: str
    answer: Kind
    sql: str
    truth: Callable[[World, Country], Truth | None]


def _area(country: Country) -> int:
    return country.area


def _people(country: Country) -> int:
    return country.people


def _longest(world: World, country: Country) -> Truth:
    rivers = sorted(world.rivers_of(country), key=lambda river: river.length)
    return [rivers[-1].name] if rivers else []


def _longest_length(world: World, country: Country) -> Truth | None:
    return positive(max((river.length for river in world.rivers_of(country)), default=0))


def _neighbour_rivers(world: World, country: Country) -> Truth | None:
    return some(list({river.name for each in world.neighbours(country) for river in world.rivers_of(each)}))


_NEIGHBOURS = "FROM border JOIN country ON country.name = border.neighbour WHERE border.country = {c}"
_RIVERS = "FROM flows JOIN river ON river.name = flows.river WHERE flows.country = {c}"
ASKED = {
    "capital": Asked(
        "capital", "city", "SELECT capital FROM country WHERE name = {c}", lambda world, country: [country.capital]
    ),
    "population": Asked(
        "population", "people", "SELECT population FROM country WHERE name = {c}",
        lambda world, country: [country.people],
    ),
    "area": Asked("area", "area", "SELECT area FROM country WHERE name = {c}", lambda world, country: [country.area]),
    "continent": Asked(
        "continent", "continent", "SELECT continent FROM country WHERE name = {c}",
        lambda world, country: [country.continent],
    ),
    "neighbours": Asked(
        "neighbours", "country", "SELECT neighbour FROM border WHERE country = {c} ORDER BY neighbour",
        lambda world, country: some(country.neighbours),
    ),
    "rivers": Asked(
        "rivers", "river", "SELECT river FROM flows WHERE country = {c} ORDER BY river",
        lambda world, country: some([river.name for river in world.rivers_of(country)]),
    ),
    "languages": Asked(
        "language", "language", "SELECT language FROM speaks WHERE country = {c} ORDER BY language",
        lambda world, country: some(country.languages),
    ),
    "neighbour_count": Asked(
        "count", "count", "SELECT COUNT(*) FROM border WHERE country = {c}",
        lambda world, country: positive(len(country.neighbours)),
    ),
    "river_count": Asked(
        "count", "count", "SELECT COUNT(*) FROM flows WHERE country = {c}",
        lambda world, country: positive(len(world.rivers_of(country))),
    ),
    "largest_neighbour": Asked(
        "superlative", "country", f"SELECT country.name {_NEIGHBOURS} ORDER BY country.area DESC LIMIT 1",
        lambda world, country: first(world.neighbours(country), _area),
    ),
    "populous_neighbour": Asked(
        "superlative", "country", f"SELECT country.name {_NEIGHBOURS} ORDER BY country.population DESC LIMIT 1",
        lambda world, country: first(world.neighbours(country), _people),
    ),
    "longest_river": Asked(
        "superlative", "river", f"SELECT river.name {_RIVERS} ORDER BY river.length DESC LIMIT 1", _longest
    ),
    "longest_length": Asked("length", "length", f"SELECT MAX(river.length) {_RIVERS}", _longest_length),
    "neighbour_rivers": Asked(
        "rivers", "river",
        "SELECT DISTINCT flows.river FROM border JOIN flows ON flows.country = border.neighbour "
        "WHERE border.country = {c} ORDER BY flows.river",
        _neighbour_rivers,
    ),
    "neighbour_total": Asked(
        "total", "people", f"SELECT SUM(country.population) {_NEIGHBOURS}",
        lambda world, country: positive(sum(each.people for each in world.neighbours(country))),
    ),
}  # fmt: skip
"""Name -> what is asked."""


@dataclass(frozen=True)
class Description:
    """A way to name a country; `slot` is what it speaks of, `{x}` in its SQL the name of that."""

    slot: str
    sql: str
    named: Callable[[World, str], Truth | None]
    link: str
    """The template whose sentence says which country is meant."""


_CONTINENT = "(SELECT name FROM country WHERE continent = {x} ORDER BY %s DESC LIMIT 1)"
DESCRIPTIONS = {
    "": Description("c", "{x}", lambda world, name: [name], ""),
    "capital": Description(
        "city", "(SELECT name FROM country WHERE capital = {x})",
        lambda world, city: [each.name for each in world.countries.values() if each.capital == city],
        "country_of_capital",
    ),
    "largest": Description(
        "k", _CONTINENT % "area", lambda world, continent: first(world.of(continent), _area), "largest"
    ),
    "populous": Description(
        "k", _CONTINENT % "population", lambda world, continent: first(world.of(continent), _people), "populous"
    ),
    "neighbour": Description(
        "c", f"(SELECT country.name {_NEIGHBOURS.format(c='{x}')} ORDER BY country.area DESC LIMIT 1)",
        lambda world, name: first(world.neighbours(world.countries[name]), _area), "largest_neighbour",
    ),
}  # fmt: skip
"""Name -> way to name a country; the first is the name itself."""

SILLY = {
    ("capital", "capital"), ("continent", "largest"), ("continent", "populous"), ("largest_neighbour", "neighbour"),
    ("populous_neighbour", "neighbour"), ("neighbour_total", "neighbour"), ("neighbour_rivers", "neighbour"),
}  # fmt: skip
"""What nobody asks: the capital of the country whose capital is Rome."""


def country_of(world: World, described: str, argument: str) -> Country | None:
    """Give the country that a description means; None where there is none, or more than one."""
    found = DESCRIPTIONS[described].named(world, argument)
    return world.countries[str(found[0])] if found else None


def link(template: Template, args: Args) -> Fact | None:
    """Give what says which country a description means."""
    found = DESCRIPTIONS[template.described].link if template.words in ASKED else ""
    return Fact(found, args) if found else None


def held_out(asked: str, described: str, holdout: str) -> bool:
    """Say whether training never sees a template: `depth`, every description; `combinations`, a third of the pairs."""
    if not described:
        return False
    place = list(ASKED).index(asked) + list(DESCRIPTIONS).index(described)
    return holdout == "depth" or place % 3 == 0


def templates() -> list[Template]:
    """Give a template for each pair that makes sense."""
    pairs = [(asked, described) for asked in ASKED for described in DESCRIPTIONS]
    return [_template(*pair) for pair in pairs if pair not in SILLY]


def _template(asked: str, described: str) -> Template:
    what, how = ASKED[asked], DESCRIPTIONS[described]

    def args(world: World) -> Sequence[Args]:
        each = {"c": list(world.countries), "k": world.continents}
        found = [one.capital for one in world.countries.values()] if how.slot == "city" else each[how.slot]
        return [(name,) for name in found]

    def truth(world: World, args: Args) -> Truth | None:
        country = country_of(world, described, str(args[0]))
        return None if country is None else what.truth(world, country)

    return Template(
        f"{asked}/{described}" if described else asked, asked, what.label, what.answer, (how.slot,), args,
        lambda args: what.sql.format(c=how.sql.format(x=quoted(args[0]))), truth, described,
    )  # fmt: skip
