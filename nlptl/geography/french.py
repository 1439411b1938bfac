"""French: three ways to ask each question, and the sentence that answers it. `grammar` says what the slots hold."""

DESCRIPTIONS = {
    "capital": (
        "le pays dont la capitale est {city}",
        "du pays dont la capitale est {city}",
        "au pays dont la capitale est {city}",
        "le pays dont la capitale est {city}",
        "dans le pays dont la capitale est {city}",
    ),
    "largest": (
        "le plus grand pays {k.gen}",
        "du plus grand pays {k.gen}",
        "au plus grand pays {k.gen}",
        "le plus grand pays {k.gen}",
        "dans le plus grand pays {k.gen}",
    ),
    "populous": (
        "le pays le plus peuplé {k.gen}",
        "du pays le plus peuplé {k.gen}",
        "au pays le plus peuplé {k.gen}",
        "le pays le plus peuplé {k.gen}",
        "dans le pays le plus peuplé {k.gen}",
    ),
    "neighbour": (
        "le plus grand pays voisin {c.gen}",
        "du plus grand pays voisin {c.gen}",
        "au plus grand pays voisin {c.gen}",
        "le plus grand pays voisin {c.gen}",
        "dans le plus grand pays voisin {c.gen}",
    ),
}
"""How a country is named by a description: alone, behind "de", behind "à", as an object, and where something is."""

QUESTIONS = {
    "capital": (
        "Quelle est la capitale {c.gen} ?",
        "Quelle ville est la capitale {c.gen} ?",
        "Citez la capitale {c.gen}.",
    ),
    "population": (
        "Quelle est la population {c.gen} ?",
        "Combien de personnes vivent {c.loc} ?",
        "Combien d'habitants y a-t-il {c.loc} ?",
    ),
    "area": (
        "Quelle est la superficie {c.gen} ?",
        "Quelle superficie {c.v:a|ont} {c} ?",
        "Combien de kilomètres carrés {c.v:couvre|couvrent} {c} ?",
    ),
    "continent": (
        "Sur quel continent se {c.v:trouve|trouvent} {c} ?",
        "À quel continent {c.v:appartient|appartiennent} {c} ?",
        "De quel continent {c.v:fait|font} partie {c} ?",
    ),
    "neighbours": (
        "Quels pays ont une frontière avec {c} ?",
        "Quels sont les pays voisins {c.gen} ?",
        "Quels pays partagent une frontière avec {c} ?",
    ),
    "rivers": (
        "Quels grands cours d'eau traversent {c} ?",
        "Quels grands cours d'eau y a-t-il {c.loc} ?",
        "Citez les grands cours d'eau {c.gen}.",
    ),
    "languages": (
        "Quelles langues sont officielles {c.loc} ?",
        "Quelles sont les langues officielles {c.gen} ?",
        "Que parle-t-on officiellement {c.loc} ?",
    ),
    "neighbour_count": (
        "Combien de pays ont une frontière avec {c} ?",
        "Combien de pays voisins {c.v:a|ont} {c} ?",
        "Quel est le nombre de pays voisins {c.gen} ?",
    ),
    "river_count": (
        "Combien de grands cours d'eau traversent {c} ?",
        "Combien de grands cours d'eau y a-t-il {c.loc} ?",
        "Quel est le nombre de grands cours d'eau {c.gen} ?",
    ),
    "largest_neighbour": (
        "Quel pays voisin {c.gen} a la plus grande superficie ?",
        "Quel est le plus grand pays qui a une frontière avec {c} ?",
        "De tous les pays voisins {c.gen}, lequel est le plus grand ?",
    ),
    "populous_neighbour": (
        "Quel pays voisin {c.gen} a le plus d'habitants ?",
        "Quel est le pays le plus peuplé qui a une frontière avec {c} ?",
        "De tous les pays voisins {c.gen}, lequel est le plus peuplé ?",
    ),
    "longest_river": (
        "Quel est le plus long cours d'eau qui traverse {c} ?",
        "Quel cours d'eau {c.gen} est le plus long ?",
        "De tous les cours d'eau qui traversent {c}, lequel est le plus long ?",
    ),
    "longest_length": (
        "Quelle est la longueur du plus long cours d'eau qui traverse {c} ?",
        "Combien de kilomètres mesure le plus long cours d'eau {c.gen} ?",
        "Combien mesure le plus long cours d'eau que l'on trouve {c.loc} ?",
    ),
    "neighbour_rivers": (
        "Quels grands cours d'eau traversent les pays qui ont une frontière avec {c} ?",
        "Quels grands cours d'eau y a-t-il dans les pays voisins {c.gen} ?",
        "Citez les grands cours d'eau des pays voisins {c.gen}.",
    ),
    "neighbour_total": (
        "Combien de personnes vivent au total dans les pays voisins {c.gen} ?",
        "Quelle est la population totale des pays qui ont une frontière avec {c} ?",
        "Combien d'habitants les pays voisins {c.gen} ont-ils ensemble ?",
    ),
    "country_of_capital": (
        "{city} est la capitale de quel pays ?",
        "Quel pays a pour capitale {city} ?",
        "Quel est le pays dont la capitale est {city} ?",
    ),
    "largest": (
        "Quel est le plus grand pays {k.gen} ?",
        "Quel pays {k.gen} a la plus grande superficie ?",
        "De tous les pays {k.gen}, lequel est le plus grand ?",
    ),
    "populous": (
        "Quel est le pays le plus peuplé {k.gen} ?",
        "Quel pays {k.gen} a le plus d'habitants ?",
        "De tous les pays {k.gen}, lequel est le plus peuplé ?",
    ),
    "most_neighbours": (
        "Quel pays {k.gen} a le plus de pays voisins ?",
        "Quel pays {k.gen} a une frontière avec le plus de pays ?",
        "De tous les pays {k.gen}, lequel a le plus grand nombre de voisins ?",
    ),
    "compare_population": (
        "Quel pays a le plus d'habitants, {c} ou {d} ?",
        "Où y a-t-il le plus d'habitants, {c.loc} ou {d.loc} ?",
        "Lequel de ces deux pays est le plus peuplé, {c} ou {d} ?",
    ),
    "compare_area": (
        "Quel pays est le plus grand, {c} ou {d} ?",
        "Quel pays a la plus grande superficie, {c} ou {d} ?",
        "Lequel de ces deux pays est le plus étendu, {c} ou {d} ?",
    ),
    "compare_length": (
        "Quel cours d'eau est le plus long, {r} ou {s} ?",
        "Lequel de ces deux cours d'eau est le plus long, {r} ou {s} ?",
        "Quel cours d'eau a la plus grande longueur, {r} ou {s} ?",
    ),
    "length": (
        "Quelle est la longueur {r.gen} ?",
        "Combien de kilomètres mesure {r} ?",
        "Quelle longueur a {r} ?",
    ),
    "river_countries": (
        "Quels pays traverse {r} ?",
        "Par quels pays passe {r} ?",
        "Dans quels pays coule {r} ?",
    ),
    "river_country_count": (
        "Combien de pays traverse {r} ?",
        "Par combien de pays passe {r} ?",
        "Dans combien de pays coule {r} ?",
    ),
    "populous_than": (
        "Quels pays {k.gen} ont plus de {n} d'habitants ?",
        "Dans quels pays {k.gen} vivent plus de {n} de personnes ?",
        "Citez les pays {k.gen} qui ont plus de {n} d'habitants.",
    ),
    "count_populous": (
        "Combien de pays {k.gen} ont plus de {n} d'habitants ?",
        "Dans combien de pays {k.gen} vivent plus de {n} de personnes ?",
        "Combien y a-t-il {k.loc} de pays de plus de {n} d'habitants ?",
    ),
    "larger_than": (
        "Quels pays {k.gen} couvrent plus de {n} ?",
        "Quels pays {k.gen} ont une superficie de plus de {n} ?",
        "Citez les pays {k.gen} de plus de {n}.",
    ),
    "not_bordering": (
        "Quels pays {k.gen} n'ont pas de frontière avec {c} ?",
        "Quels pays {k.gen} ne sont pas voisins {c.gen} ?",
        "Citez les pays {k.gen} qui n'ont pas de frontière avec {c}.",
    ),
    "not_speaking": (
        "Dans quels pays voisins {c.gen} {l} n'est-il pas langue officielle ?",
        "Quels pays voisins {c.gen} n'ont pas {l} comme langue officielle ?",
        "Citez les pays voisins {c.gen} où {l} n'est pas langue officielle.",
    ),
    "total": (
        "Combien de personnes vivent au total {c.loc} et {d.loc} ?",
        "Quelle est la population totale {cd.gen} ?",
        "Combien d'habitants ont ensemble {cd} ?",
    ),
    "speaking": (
        "Dans quels pays {k.gen} {l} est-il langue officielle ?",
        "Quels pays {k.gen} ont {l} comme langue officielle ?",
        "Citez les pays {k.gen} où {l} est langue officielle.",
    ),
    "count_speaking": (
        "Dans combien de pays {l} est-il langue officielle ?",
        "Combien de pays ont {l} comme langue officielle ?",
        "Quel est le nombre de pays où {l} est langue officielle ?",
    ),
}
"""Template -> its questions."""

STATEMENTS = {
    "capital": "La capitale {c.gen} est {a}.",
    "population": "La population {c.gen} est de {a}.",
    "area": "La superficie {c.gen} est de {a}.",
    "continent": "{c} se {c.v:trouve|trouvent} {a.loc}.",
    "neighbours": "{c} {c.v:a|ont} une frontière avec {a}.",
    "rivers": "Parmi les grands cours d'eau, {a} {a.v:traverse|traversent} {c}.",
    "languages": "{c.loc}, on parle officiellement {a}.",
    "neighbour_count": "Le nombre de pays qui ont une frontière avec {c} est de {a}.",
    "river_count": "Le nombre de grands cours d'eau qui traversent {c} est de {a}.",
    "largest_neighbour": "De tous les pays voisins {c.gen}, {a} {a.v:a|ont} la plus grande superficie.",
    "populous_neighbour": "De tous les pays voisins {c.gen}, {a} {a.v:a|ont} le plus d'habitants.",
    "longest_river": "Le plus long des cours d'eau qui traversent {c} est {a}.",
    "longest_length": "Le plus long cours d'eau qui traverse {c} mesure {a}.",
    "neighbour_rivers": "Parmi les grands cours d'eau, {a} {a.v:traverse|traversent} des pays voisins {c.gen}.",
    "neighbour_total": "La population totale des pays voisins {c.gen} est de {a}.",
    "country_of_capital": "{a} {a.v:a|ont} pour capitale {city}.",
    "largest": "De tous les pays {k.gen}, {a} {a.v:a|ont} la plus grande superficie.",
    "populous": "De tous les pays {k.gen}, {a} {a.v:a|ont} le plus d'habitants.",
    "most_neighbours": "De tous les pays {k.gen}, {a} {a.v:a|ont} le plus de voisins.",
    "compare_population": "{a} {a.v:a|ont} plus d'habitants que {b}.",
    "compare_area": "{a} {a.v:a|ont} une plus grande superficie que {b}.",
    "compare_length": "{a} dépasse {b} en longueur.",
    "length": "La longueur {r.gen} est de {a}.",
    "river_countries": "{r} traverse {a}.",
    "river_country_count": "Le nombre de pays que traverse {r} est de {a}.",
    "populous_than": "{k.loc}, {a} ont chacun plus de {n} d'habitants.",
    "count_populous": "Le nombre de pays {k.gen} de plus de {n} d'habitants est de {a}.",
    "larger_than": "{k.loc}, {a} couvrent chacun plus de {n}.",
    "not_bordering": "{k.loc}, {a} n'ont pas de frontière avec {c}.",
    "not_speaking": "Parmi les pays voisins {c.gen}, {a} n'ont pas {l} comme langue officielle.",
    "total": "Ensemble, {cd} ont une population de {a}.",
    "speaking": "Parmi les pays {k.gen}, {a} ont {l} comme langue officielle.",
    "count_speaking": "Le nombre de pays où {l} est langue officielle est de {a}.",
}
"""Template -> the sentence that answers it; `{a}` is the answer, `{b}` the lesser of two that are compared."""
