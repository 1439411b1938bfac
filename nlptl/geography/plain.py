"""Templates that do not ask about one country: comparisons, rivers, thresholds, negations, sums."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from nlptl.geography.template import Args, Truth, first, positive, quoted, some
from nlptl.geography.template import Template as T
from nlptl.geography.world import Country, World

PEOPLE = tuple(millions * 1_000_000 for millions in (5, 10, 20, 30, 50, 80, 100, 200, 300, 500))
AREAS = (50_000, 100_000, 300_000, 500_000, 1_000_000, 2_000_000, 5_000_000, 8_000_000)
"""Thresholds."""


def _capitals(world: World) -> Sequence[Args]:
    return [(each.capital,) for each in world.countries.values()]


def _continents(world: World) -> Sequence[Args]:
    return [(each,) for each in world.continents]


def _pairs(world: World) -> Sequence[Args]:
    return list(itertools.combinations(world.countries, 2))


def _river_pairs(world: World) -> Sequence[Args]:
    return list(itertools.combinations(world.rivers, 2))


def _rivers(world: World) -> Sequence[Args]:
    return [(each,) for each in world.rivers]


def _tongues(world: World) -> Sequence[Args]:
    return [(each,) for each in world.languages]


def _thresholds(values: Sequence[int]) -> Callable[[World], Sequence[Args]]:
    return lambda world: list(itertools.product(world.continents, values))


def _continent_countries(world: World) -> Sequence[Args]:
    return [(each.continent, each.name) for each in world.countries.values()]


def _neighbour_tongues(world: World) -> Sequence[Args]:
    """Pair a country with the languages of its neighbours."""
    return [
        (each.name, tongue)
        for each in world.countries.values()
        for tongue in sorted({tongue for other in world.neighbours(each) for tongue in other.languages})
    ]


def _tongue_continents(world: World) -> Sequence[Args]:
    """Pair a language of several countries with a continent."""
    spoken = [tongue for tongue in world.languages if len(_speakers(world, tongue)) > 1]
    return list(itertools.product(spoken, world.continents))


def _speakers(world: World, tongue: str | int) -> list[Country]:
    return [each for each in world.countries.values() if tongue in each.languages]


def _more(value: Callable[[Country], int]) -> Callable[[World, Args], list[str]]:
    return lambda world, args: [each.name for each in world.of(str(args[0])) if value(each) > int(args[1])]


_people, _area = (lambda each: each.people), (lambda each: each.area)
_populous, _large = _more(_people), _more(_area)


def _greater(value: Callable[[Country], int]) -> Callable[[World, Args], Truth | None]:
    return lambda world, args: first([world.countries[str(each)] for each in args], value)


def _longer(world: World, args: Args) -> Truth | None:
    one, other = sorted((world.rivers[str(each)] for each in args), key=lambda river: river.length)
    return [other.name] if one.length < other.length else None


def _not_bordering(world: World, args: Args) -> Truth | None:
    near = {*world.countries[str(args[1])].neighbours, args[1]}
    return some([each.name for each in world.of(str(args[0])) if each.name not in near], least=2)


def _not_speaking(world: World, args: Args) -> Truth | None:
    found = world.neighbours(world.countries[str(args[0])])
    return some([each.name for each in found if args[1] not in each.languages], least=2)


def _speaking(world: World, args: Args) -> Truth | None:
    return some([each.name for each in _speakers(world, args[0]) if each.continent == args[1]], least=2)


def _two(args: Args) -> str:
    return ", ".join(map(quoted, args))


def _sql(pattern: str) -> Callable[[Args], str]:
    """Fill `{0}` and `{1}` with names as SQL writes them, `{2}` with both, `{n}` with the last as it is."""
    return lambda args: pattern.format(quoted(args[0]), quoted(args[-1]), _two(args), n=args[-1])


_COUNTRY = "SELECT name FROM country WHERE"
_HAVING = "SELECT {what} FROM country WHERE continent = {{0}} AND {column} > {{n}}"


def _having(what: str, column: str) -> Callable[[Args], str]:
    return _sql(_HAVING.format(what=what, column=column) + ("" if "COUNT" in what else " ORDER BY name"))


def templates() -> list[T]:
    """Give all of them."""
    return [*_of_continents(), *_compared(), *_of_rivers(), *_of_thresholds(), *_negated(), *_of_languages()]


def _of_continents() -> list[T]:
    return [
        T("country_of_capital", "country_of_capital", "country", "country", ("city",), _capitals,
          _sql(f"{_COUNTRY} capital = {{0}}"),
          lambda world, args: [each.name for each in world.countries.values() if each.capital == args[0]]),
        T("largest", "largest", "superlative", "country", ("k",), _continents,
          _sql(f"{_COUNTRY} continent = {{0}} ORDER BY area DESC LIMIT 1"),
          lambda world, args: first(world.of(str(args[0])), _area)),
        T("populous", "populous", "superlative", "country", ("k",), _continents,
          _sql(f"{_COUNTRY} continent = {{0}} ORDER BY population DESC LIMIT 1"),
          lambda world, args: first(world.of(str(args[0])), _people)),
        T("most_neighbours", "most_neighbours", "superlative", "country", ("k",), _continents,
          _sql("SELECT country.name FROM country JOIN border ON border.country = country.name "
               "WHERE country.continent = {0} GROUP BY country.name ORDER BY COUNT(*) DESC LIMIT 1"),
          lambda world, args: first(world.of(str(args[0])), lambda each: len(each.neighbours))),
    ]  # fmt: skip


def _compared() -> list[T]:
    return [
        T("compare_population", "compare_population", "comparison", "country", ("c", "d"), _pairs,
          _sql(f"{_COUNTRY} name IN ({{2}}) ORDER BY population DESC LIMIT 1"), _greater(_people)),
        T("compare_area", "compare_area", "comparison", "country", ("c", "d"), _pairs,
          _sql(f"{_COUNTRY} name IN ({{2}}) ORDER BY area DESC LIMIT 1"), _greater(_area)),
        T("compare_length", "compare_length", "comparison", "river", ("r", "s"), _river_pairs,
          _sql("SELECT name FROM river WHERE name IN ({2}) ORDER BY length DESC LIMIT 1"), _longer),
        T("total", "total", "total", "people", ("c", "d"), _pairs,
          _sql("SELECT SUM(population) FROM country WHERE name IN ({2})"),
          lambda world, args: [sum(world.countries[str(each)].people for each in args)]),
    ]  # fmt: skip


def _of_rivers() -> list[T]:
    return [
        T("length", "length", "length", "length", ("r",), _rivers,
          _sql("SELECT length FROM river WHERE name = {0}"),
          lambda world, args: [world.rivers[str(args[0])].length]),
        T("river_countries", "river_countries", "country", "country", ("r",), _rivers,
          _sql("SELECT country FROM flows WHERE river = {0} ORDER BY country"),
          lambda world, args: some(world.rivers[str(args[0])].countries)),
        T("river_country_count", "river_country_count", "count", "count", ("r",), _rivers,
          _sql("SELECT COUNT(*) FROM flows WHERE river = {0}"),
          lambda world, args: [len(world.rivers[str(args[0])].countries)]),
    ]  # fmt: skip


def _of_thresholds() -> list[T]:
    return [
        T("populous_than", "populous_than", "country", "country", ("k", "people"), _thresholds(PEOPLE),
          _having("name", "population"), lambda world, args: some(_populous(world, args), least=2)),
        T("count_populous", "count_populous", "count", "count", ("k", "people"), _thresholds(PEOPLE),
          _having("COUNT(*)", "population"), lambda world, args: positive(len(_populous(world, args)))),
        T("larger_than", "larger_than", "country", "country", ("k", "area"), _thresholds(AREAS),
          _having("name", "area"), lambda world, args: some(_large(world, args), least=2)),
    ]  # fmt: skip


def _negated() -> list[T]:
    return [
        T("not_bordering", "not_bordering", "neighbours", "country", ("k", "c"), _continent_countries,
          _sql(f"{_COUNTRY} continent = {{0}} AND name != {{1}} "
               "AND name NOT IN (SELECT neighbour FROM border WHERE country = {1}) ORDER BY name"), _not_bordering),
        T("not_speaking", "not_speaking", "neighbours", "country", ("c", "l"), _neighbour_tongues,
          _sql("SELECT neighbour FROM border WHERE country = {0} "
               "AND neighbour NOT IN (SELECT country FROM speaks WHERE language = {1}) ORDER BY neighbour"),
          _not_speaking),
    ]  # fmt: skip


def _of_languages() -> list[T]:
    return [
        T("speaking", "speaking", "country", "country", ("l", "k"), _tongue_continents,
          _sql("SELECT country.name FROM country JOIN speaks ON speaks.country = country.name "
               "WHERE speaks.language = {0} AND country.continent = {1} ORDER BY country.name"), _speaking),
        T("count_speaking", "count_speaking", "count", "count", ("l",), _tongues,
          _sql("SELECT COUNT(*) FROM speaks WHERE language = {0}"),
          lambda world, args: positive(len(_speakers(world, args[0])))),
    ]  # fmt: skip
