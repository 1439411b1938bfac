"""Spanish: three ways to ask each question, and the sentence that answers it. `grammar` says what the slots hold."""

DESCRIPTIONS = {
    "capital": (
        "el país cuya capital es {city}",
        "del país cuya capital es {city}",
        "al país cuya capital es {city}",
        "el país cuya capital es {city}",
        "en el país cuya capital es {city}",
    ),
    "largest": (
        "el país más grande {k.gen}",
        "del país más grande {k.gen}",
        "al país más grande {k.gen}",
        "el país más grande {k.gen}",
        "en el país más grande {k.gen}",
    ),
    "populous": (
        "el país más poblado {k.gen}",
        "del país más poblado {k.gen}",
        "al país más poblado {k.gen}",
        "el país más poblado {k.gen}",
        "en el país más poblado {k.gen}",
    ),
    "neighbour": (
        "el mayor país vecino {c.gen}",
        "del mayor país vecino {c.gen}",
        "al mayor país vecino {c.gen}",
        "el mayor país vecino {c.gen}",
        "en el mayor país vecino {c.gen}",
    ),
}
"""How a country is named by a description: alone, behind "de", behind "a", as an object, behind "en"."""

QUESTIONS = {
    "capital": (
        "¿Cuál es la capital {c.gen}?",
        "¿Qué ciudad es la capital {c.gen}?",
        "Di cuál es la capital {c.gen}.",
    ),
    "population": (
        "¿Cuántos habitantes {c.v:tiene|tienen} {c}?",
        "¿Cuántas personas viven {c.loc}?",
        "¿Cuál es la población {c.gen}?",
    ),
    "area": (
        "¿Qué superficie {c.v:tiene|tienen} {c}?",
        "¿Cuál es la superficie {c.gen}?",
        "¿Cuántos kilómetros cuadrados {c.v:ocupa|ocupan} {c}?",
    ),
    "continent": (
        "¿En qué continente {c.v:está|están} {c}?",
        "¿A qué continente {c.v:pertenece|pertenecen} {c}?",
        "¿De qué continente {c.v:forma|forman} parte {c}?",
    ),
    "neighbours": (
        "¿Qué países limitan con {c}?",
        "¿Cuáles son los países vecinos {c.gen}?",
        "¿Con qué países {c.v:comparte|comparten} frontera {c}?",
    ),
    "rivers": (
        "¿Qué grandes ríos atraviesan {c}?",
        "¿Qué grandes ríos hay {c.loc}?",
        "Di qué grandes ríos pasan por {c}.",
    ),
    "languages": (
        "¿Qué lenguas son oficiales {c.loc}?",
        "¿Qué lenguas oficiales {c.v:tiene|tienen} {c}?",
        "¿Qué se habla oficialmente {c.loc}?",
    ),
    "neighbour_count": (
        "¿Cuántos países limitan con {c}?",
        "¿Cuántos países vecinos {c.v:tiene|tienen} {c}?",
        "¿Con cuántos países {c.v:comparte|comparten} frontera {c}?",
    ),
    "river_count": (
        "¿Cuántos grandes ríos atraviesan {c}?",
        "¿Cuántos grandes ríos hay {c.loc}?",
        "¿Cuántos grandes ríos pasan por {c}?",
    ),
    "largest_neighbour": (
        "¿Qué país que limita con {c} tiene la mayor superficie?",
        "¿Cuál es el país más grande que limita con {c}?",
        "De todos los países que limitan con {c}, ¿cuál es el más grande?",
    ),
    "populous_neighbour": (
        "¿Qué país que limita con {c} tiene más habitantes?",
        "¿Cuál es el país más poblado que limita con {c}?",
        "De todos los países que limitan con {c}, ¿cuál tiene la mayor población?",
    ),
    "longest_river": (
        "¿Cuál es el río más largo que atraviesa {c}?",
        "¿Qué río es el más largo de los que pasan por {c}?",
        "De todos los ríos que hay {c.loc}, ¿cuál es el más largo?",
    ),
    "longest_length": (
        "¿Cuánto mide el río más largo que atraviesa {c}?",
        "¿Qué longitud tiene el río más largo que pasa por {c}?",
        "¿Cuántos kilómetros de largo tiene el mayor río que hay {c.loc}?",
    ),
    "neighbour_rivers": (
        "¿Qué grandes ríos atraviesan los países que limitan con {c}?",
        "¿Qué grandes ríos hay en los países vecinos {c.gen}?",
        "Di qué grandes ríos pasan por los países que limitan con {c}.",
    ),
    "neighbour_total": (
        "¿Cuántas personas viven en total en los países que limitan con {c}?",
        "¿Cuál es la población total de los países que limitan con {c}?",
        "¿Cuántos habitantes suman los países vecinos {c.gen}?",
    ),
    "country_of_capital": (
        "¿De qué país es capital {city}?",
        "¿Qué país tiene como capital {city}?",
        "¿Cuál es el país cuya capital es {city}?",
    ),
    "largest": (
        "¿Cuál es el país más grande {k.gen}?",
        "¿Qué país {k.gen} tiene la mayor superficie?",
        "De todos los países {k.gen}, ¿cuál es el más grande?",
    ),
    "populous": (
        "¿Cuál es el país más poblado {k.gen}?",
        "¿Qué país {k.gen} tiene más habitantes?",
        "De todos los países {k.gen}, ¿cuál tiene la mayor población?",
    ),
    "most_neighbours": (
        "¿Qué país {k.gen} limita con más países?",
        "¿Qué país {k.gen} tiene más países vecinos?",
        "De todos los países {k.gen}, ¿cuál tiene el mayor número de vecinos?",
    ),
    "compare_population": (
        "¿Qué país tiene más habitantes, {c} o {d}?",
        "¿Dónde vive más gente, {c.loc} o {d.loc}?",
        "¿Cuál de los dos países tiene mayor población, {c} o {d}?",
    ),
    "compare_area": (
        "¿Qué país es más grande, {c} o {d}?",
        "¿Qué país tiene mayor superficie, {c} o {d}?",
        "¿Cuál de los dos países es más extenso, {c} o {d}?",
    ),
    "compare_length": (
        "¿Qué río es más largo, {r} o {s}?",
        "¿Qué río tiene mayor longitud, {r} o {s}?",
        "¿Cuál de los dos ríos es más largo, {r} o {s}?",
    ),
    "length": (
        "¿Cuánto mide {r}?",
        "¿Qué longitud tiene {r}?",
        "¿Cuántos kilómetros de largo tiene {r}?",
    ),
    "river_countries": (
        "¿Qué países atraviesa {r}?",
        "¿Por qué países pasa {r}?",
        "¿Por qué países discurre {r}?",
    ),
    "river_country_count": (
        "¿Cuántos países atraviesa {r}?",
        "¿Por cuántos países pasa {r}?",
        "¿Por cuántos países discurre {r}?",
    ),
    "populous_than": (
        "¿Qué países {k.gen} tienen más de {n} de habitantes?",
        "¿En qué países {k.gen} viven más de {n} de personas?",
        "Di qué países {k.gen} tienen una población de más de {n}.",
    ),
    "count_populous": (
        "¿Cuántos países {k.gen} tienen más de {n} de habitantes?",
        "¿En cuántos países {k.gen} viven más de {n} de personas?",
        "¿Cuántos países hay {k.loc} con una población de más de {n}?",
    ),
    "larger_than": (
        "¿Qué países {k.gen} ocupan más de {n}?",
        "¿Qué países {k.gen} tienen una superficie de más de {n}?",
        "Di qué países {k.gen} superan los {n}.",
    ),
    "not_bordering": (
        "¿Qué países {k.gen} no limitan con {c}?",
        "¿Qué países {k.gen} no tienen frontera con {c}?",
        "Di qué países {k.gen} no comparten frontera con {c}.",
    ),
    "not_speaking": (
        "¿En qué países vecinos {c.gen} no es oficial {l}?",
        "¿Qué países que limitan con {c} no tienen {l} como lengua oficial?",
        "Di en qué países vecinos {c.gen} {l} no es lengua oficial.",
    ),
    "total": (
        "¿Cuántas personas viven en total {c.loc} y {d.loc}?",
        "¿Cuál es la población total {cd.gen}?",
        "¿Cuántos habitantes suman {cd}?",
    ),
    "speaking": (
        "¿En qué países {k.gen} es oficial {l}?",
        "¿Qué países {k.gen} tienen {l} como lengua oficial?",
        "Di en qué países {k.gen} {l} es lengua oficial.",
    ),
    "count_speaking": (
        "¿En cuántos países es oficial {l}?",
        "¿Cuántos países tienen {l} como lengua oficial?",
        "¿Cuántos países hay en los que {l} es lengua oficial?",
    ),
}
"""Template -> its questions."""

STATEMENTS = {
    "capital": "La capital {c.gen} es {a}.",
    "population": "La población {c.gen} es de {a}.",
    "area": "La superficie {c.gen} es de {a}.",
    "continent": "{c} {c.v:pertenece|pertenecen} a {a}.",
    "neighbours": "{c} {c.v:limita|limitan} con {a}.",
    "rivers": "De los grandes ríos, {a} {a.v:pasa|pasan} por {c}.",
    "languages": "{c.loc} se {a.v:habla|hablan} oficialmente {a}.",
    "neighbour_count": "El número de países que limitan con {c} es {a}.",
    "river_count": "El número de grandes ríos que pasan por {c} es {a}.",
    "largest_neighbour": "De los países que limitan con {c}, {a} {a.v:tiene|tienen} la mayor superficie.",
    "populous_neighbour": "De los países que limitan con {c}, {a} {a.v:tiene|tienen} el mayor número de habitantes.",
    "longest_river": "De todos los ríos que pasan por {c}, {a} es el más largo.",
    "longest_length": "El río más largo que pasa por {c} mide {a}.",
    "neighbour_rivers": "De los grandes ríos, {a} {a.v:pasa|pasan} por países vecinos {c.gen}.",
    "neighbour_total": "La población total de los países que limitan con {c} es de {a}.",
    "country_of_capital": "{a} {a.v:tiene|tienen} como capital {city}.",
    "largest": "De todos los países {k.gen}, {a} {a.v:tiene|tienen} la mayor superficie.",
    "populous": "De todos los países {k.gen}, {a} {a.v:tiene|tienen} el mayor número de habitantes.",
    "most_neighbours": "De todos los países {k.gen}, {a} {a.v:tiene|tienen} el mayor número de vecinos.",
    "compare_population": "{a} {a.v:tiene|tienen} más habitantes que {b}.",
    "compare_area": "{a} {a.v:tiene|tienen} mayor superficie que {b}.",
    "compare_length": "{a} es más largo que {b}.",
    "length": "{r} mide {a}.",
    "river_countries": "{r} pasa por {a}.",
    "river_country_count": "El número de países por los que pasa {r} es {a}.",
    "populous_than": "{k.loc}, {a} tienen más de {n} de habitantes cada uno.",
    "count_populous": "El número de países {k.gen} con más de {n} de habitantes es {a}.",
    "larger_than": "{k.loc}, {a} ocupan más de {n} cada uno.",
    "not_bordering": "{k.loc}, {a} no tienen frontera con {c}.",
    "not_speaking": "De los países que limitan con {c}, {a} no tienen {l} como lengua oficial.",
    "total": "{cd} suman una población de {a}.",
    "speaking": "De los países {k.gen}, {a} tienen {l} como lengua oficial.",
    "count_speaking": "El número de países en los que {l} es lengua oficial es {a}.",
}
"""Template -> the sentence that answers it; `{a}` is the answer, `{b}` the lesser of two that are compared."""
