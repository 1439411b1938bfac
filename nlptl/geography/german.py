"""German: three ways to ask each question, and the sentence that answers it. `grammar` says what the slots hold."""

DESCRIPTIONS = {
    "capital": (
        "das Land mit der Hauptstadt {city}",
        "des Landes mit der Hauptstadt {city}",
        "dem Land mit der Hauptstadt {city}",
        "das Land mit der Hauptstadt {city}",
        "im Land mit der Hauptstadt {city}",
    ),
    "largest": (
        "das größte Land {k.gen}",
        "des größten Landes {k.gen}",
        "dem größten Land {k.gen}",
        "das größte Land {k.gen}",
        "im größten Land {k.gen}",
    ),
    "populous": (
        "das bevölkerungsreichste Land {k.gen}",
        "des bevölkerungsreichsten Landes {k.gen}",
        "dem bevölkerungsreichsten Land {k.gen}",
        "das bevölkerungsreichste Land {k.gen}",
        "im bevölkerungsreichsten Land {k.gen}",
    ),
    "neighbour": (
        "das größte Nachbarland {c.gen}",
        "des größten Nachbarlandes {c.gen}",
        "dem größten Nachbarland {c.gen}",
        "das größte Nachbarland {c.gen}",
        "im größten Nachbarland {c.gen}",
    ),
}
"""How a country is named by a description, in nominative, genitive, dative, accusative and locative."""

QUESTIONS = {
    "capital": (
        "Was ist die Hauptstadt {c.gen}?",
        "Wie heißt die Hauptstadt {c.gen}?",
        "Nenne die Hauptstadt {c.gen}.",
    ),
    "population": (
        "Wie viele Einwohner {c.v:hat|haben} {c}?",
        "Wie viele Menschen leben {c.loc}?",
        "Wie groß ist die Bevölkerung {c.gen}?",
    ),
    "area": (
        "Welche Fläche {c.v:hat|haben} {c}?",
        "Wie groß ist die Fläche {c.gen}?",
        "Wie viele Quadratkilometer {c.v:umfasst|umfassen} {c}?",
    ),
    "continent": (
        "Auf welchem Kontinent {c.v:liegt|liegen} {c}?",
        "Zu welchem Kontinent {c.v:gehört|gehören} {c}?",
        "Welchem Kontinent {c.v:wird|werden} {c} zugerechnet?",
    ),
    "neighbours": (
        "Welche Länder grenzen an {c.acc}?",
        "Was sind die Nachbarländer {c.gen}?",
        "Mit welchen Ländern {c.v:hat|haben} {c} eine gemeinsame Grenze?",
    ),
    "rivers": (
        "Welche großen Flüsse fließen durch {c.acc}?",
        "Welche großen Flüsse gibt es {c.loc}?",
        "Nenne die großen Flüsse {c.gen}.",
    ),
    "languages": (
        "Welche Amtssprachen {c.v:hat|haben} {c}?",
        "Welche Sprachen sind {c.loc} Amtssprachen?",
        "Was spricht man {c.loc} amtlich?",
    ),
    "neighbour_count": (
        "Wie viele Länder grenzen an {c.acc}?",
        "Wie viele Nachbarländer {c.v:hat|haben} {c}?",
        "Mit wie vielen Ländern {c.v:hat|haben} {c} eine gemeinsame Grenze?",
    ),
    "river_count": (
        "Wie viele große Flüsse fließen durch {c.acc}?",
        "Wie viele große Flüsse gibt es {c.loc}?",
        "Wie viele große Flüsse {c.v:hat|haben} {c}?",
    ),
    "largest_neighbour": (
        "Welches Land, das an {c.acc} grenzt, hat die größte Fläche?",
        "Welches der Nachbarländer {c.gen} ist am größten?",
        "Was ist das größte Land, das an {c.acc} grenzt?",
    ),
    "populous_neighbour": (
        "Welches Land, das an {c.acc} grenzt, hat die meisten Einwohner?",
        "In welchem der Nachbarländer {c.gen} leben die meisten Menschen?",
        "Was ist das bevölkerungsreichste Land, das an {c.acc} grenzt?",
    ),
    "longest_river": (
        "Welches ist der längste Fluss, der durch {c.acc} fließt?",
        "Wie heißt der längste Fluss {c.gen}?",
        "Welcher der Flüsse, die durch {c.acc} fließen, ist am längsten?",
    ),
    "longest_length": (
        "Wie lang ist der längste Fluss, der durch {c.acc} fließt?",
        "Welche Länge hat der längste Fluss {c.gen}?",
        "Wie viele Kilometer lang ist der längste Fluss, den es {c.loc} gibt?",
    ),
    "neighbour_rivers": (
        "Welche großen Flüsse fließen durch die Länder, die an {c.acc} grenzen?",
        "Welche großen Flüsse gibt es in den Nachbarländern {c.gen}?",
        "Nenne die großen Flüsse aller Länder, die an {c.acc} grenzen.",
    ),
    "neighbour_total": (
        "Wie viele Menschen leben zusammen in allen Ländern, die an {c.acc} grenzen?",
        "Wie viele Einwohner haben die Nachbarländer {c.gen} insgesamt?",
        "Wie groß ist die gesamte Bevölkerung der Länder, die an {c.acc} grenzen?",
    ),
    "country_of_capital": (
        "Von welchem Land ist {city} die Hauptstadt?",
        "Welches Land hat die Hauptstadt {city}?",
        "In welchem Land ist {city} die Hauptstadt?",
    ),
    "largest": (
        "Was ist das größte Land {k.gen}?",
        "Welches Land {k.loc} hat die größte Fläche?",
        "Welches der Länder {k.gen} ist am größten?",
    ),
    "populous": (
        "Was ist das bevölkerungsreichste Land {k.gen}?",
        "Welches Land {k.loc} hat die meisten Einwohner?",
        "In welchem der Länder {k.gen} leben die meisten Menschen?",
    ),
    "most_neighbours": (
        "Welches Land {k.loc} hat die meisten Nachbarländer?",
        "Welches Land {k.gen} grenzt an die meisten Länder?",
        "Welches der Länder {k.gen} hat die größte Zahl an Nachbarn?",
    ),
    "compare_population": (
        "Welches Land hat mehr Einwohner, {c} oder {d}?",
        "Leben mehr Menschen {c.loc} oder {d.loc}?",
        "Wo leben mehr Menschen, {c.loc} oder {d.loc}?",
    ),
    "compare_area": (
        "Welches Land ist größer, {c} oder {d}?",
        "Welches Land hat die größere Fläche, {c} oder {d}?",
        "Was ist das größere Land, {c} oder {d}?",
    ),
    "compare_length": (
        "Welcher Fluss ist länger, {r} oder {s}?",
        "Ist {r} oder {s} der längere Fluss?",
        "Welcher der beiden Flüsse ist länger, {r} oder {s}?",
    ),
    "length": (
        "Wie lang ist {r}?",
        "Welche Länge hat {r}?",
        "Wie viele Kilometer lang ist {r}?",
    ),
    "river_countries": (
        "Durch welche Länder fließt {r}?",
        "Welche Länder durchquert {r}?",
        "In welchen Ländern verläuft {r}?",
    ),
    "river_country_count": (
        "Durch wie viele Länder fließt {r}?",
        "Wie viele Länder durchquert {r}?",
        "In wie vielen Ländern verläuft {r}?",
    ),
    "populous_than": (
        "Welche Länder {k.loc} haben mehr als {n} Einwohner?",
        "In welchen Ländern {k.gen} leben mehr als {n} Menschen?",
        "Nenne die Länder {k.gen} mit mehr als {n} Einwohnern.",
    ),
    "count_populous": (
        "Wie viele Länder {k.loc} haben mehr als {n} Einwohner?",
        "In wie vielen Ländern {k.gen} leben mehr als {n} Menschen?",
        "Wie viele Länder mit mehr als {n} Einwohnern gibt es {k.loc}?",
    ),
    "larger_than": (
        "Welche Länder {k.loc} sind größer als {n}?",
        "Welche Länder {k.gen} haben eine Fläche von mehr als {n}?",
        "Nenne die Länder {k.gen} mit mehr als {n} Fläche.",
    ),
    "not_bordering": (
        "Welche Länder {k.loc} grenzen nicht an {c.acc}?",
        "Welche Länder {k.gen} haben keine Grenze mit {c.dat}?",
        "Nenne die Länder {k.gen}, die nicht an {c.acc} grenzen.",
    ),
    "not_speaking": (
        "In welchen Nachbarländern {c.gen} ist {l} keine Amtssprache?",
        "Welche Länder, die an {c.acc} grenzen, haben {l} nicht als Amtssprache?",
        "Nenne die Nachbarländer {c.gen}, in denen {l} keine Amtssprache ist.",
    ),
    "total": (
        "Wie viele Menschen leben {c.loc} und {d.loc} zusammen?",
        "Wie viele Einwohner haben {cd} insgesamt?",
        "Auf wie viele Einwohner kommen {cd} zusammen?",
    ),
    "speaking": (
        "In welchen Ländern {k.gen} ist {l} Amtssprache?",
        "Welche Länder {k.loc} haben {l} als Amtssprache?",
        "Nenne die Länder {k.gen}, in denen {l} Amtssprache ist.",
    ),
    "count_speaking": (
        "In wie vielen Ländern ist {l} Amtssprache?",
        "Wie viele Länder haben {l} als Amtssprache?",
        "Wie viele Länder gibt es, in denen {l} Amtssprache ist?",
    ),
}
"""Template -> its questions."""

STATEMENTS = {
    "capital": "Die Hauptstadt {c.gen} ist {a}.",
    "population": "Die Einwohnerzahl {c.gen} beträgt {a}.",
    "area": "Die Fläche {c.gen} beträgt {a}.",
    "continent": "{c} {c.v:gehört|gehören} zu {a}.",
    "neighbours": "{c} {c.v:grenzt|grenzen} an {a.acc}.",
    "rivers": "Durch {c.acc} {a.v:fließt|fließen} von den großen Flüssen {a}.",
    "languages": "Amtlich spricht man {c.loc} {a}.",
    "neighbour_count": "Die Zahl der Länder, die an {c.acc} grenzen, beträgt {a}.",
    "river_count": "Die Zahl der großen Flüsse, die durch {c.acc} fließen, beträgt {a}.",
    "largest_neighbour": "Von allen Ländern, die an {c.acc} grenzen, {a.v:hat|haben} {a} die größte Fläche.",
    "populous_neighbour": "Von allen Ländern, die an {c.acc} grenzen, {a.v:hat|haben} {a} die meisten Einwohner.",
    "longest_river": "Von allen Flüssen, die durch {c.acc} fließen, ist {a} am längsten.",
    "longest_length": "Der längste Fluss, der durch {c.acc} fließt, hat eine Länge von {a}.",
    "neighbour_rivers": "Durch die Nachbarländer {c.gen} {a.v:fließt|fließen} von den großen Flüssen {a}.",
    "neighbour_total": "Die Länder, die an {c.acc} grenzen, haben insgesamt eine Einwohnerzahl von {a}.",
    "country_of_capital": "{a} {a.v:hat|haben} die Hauptstadt {city}.",
    "largest": "Von allen Ländern {k.gen} {a.v:hat|haben} {a} die größte Fläche.",
    "populous": "Von allen Ländern {k.gen} {a.v:hat|haben} {a} die meisten Einwohner.",
    "most_neighbours": "Von allen Ländern {k.gen} {a.v:hat|haben} {a} die meisten Nachbarländer.",
    "compare_population": "{a} {a.v:hat|haben} mehr Einwohner als {b}.",
    "compare_area": "{a} {a.v:hat|haben} eine größere Fläche als {b}.",
    "compare_length": "{a} ist länger als {b}.",
    "length": "{r} ist {a} lang.",
    "river_countries": "{r} fließt durch {a.acc}.",
    "river_country_count": "Die Zahl der Länder, durch die {r} fließt, beträgt {a}.",
    "populous_than": "Mehr als {n} Einwohner haben {k.loc} jeweils {a}.",
    "count_populous": "Die Zahl der Länder {k.loc} mit mehr als {n} Einwohnern beträgt {a}.",
    "larger_than": "Eine Fläche von mehr als {n} haben {k.loc} jeweils {a}.",
    "not_bordering": "Keine Grenze mit {c.dat} haben {k.loc} {a}.",
    "not_speaking": "Von den Nachbarländern {c.gen} haben {a} {l} nicht als Amtssprache.",
    "total": "Zusammen haben {cd} eine Einwohnerzahl von {a}.",
    "speaking": "Von den Ländern {k.gen} haben {a} {l} als Amtssprache.",
    "count_speaking": "Die Zahl der Länder, in denen {l} Amtssprache ist, beträgt {a}.",
}
"""Template -> the sentence that answers it; `{a}` is the answer, `{b}` the lesser of two that are compared."""
