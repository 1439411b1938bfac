"""English: three ways to ask each question, and the sentence that answers it. `grammar` says what the slots hold."""

DESCRIPTIONS = {
    "capital": ("the country whose capital is {city}",),
    "largest": ("the largest country in {k}",),
    "populous": ("the most populous country in {k}",),
    "neighbour": ("the largest neighbour of {c}",),
}
"""How a country is named by a description, in nominative, genitive, dative, accusative and locative; one for all."""

QUESTIONS = {
    "capital": (
        "What is the capital of {c}?",
        "Which city is the capital of {c}?",
        "Name the capital of {c}.",
    ),
    "population": (
        "What is the population of {c}?",
        "How many people live in {c}?",
        "How many inhabitants does {c} have?",
    ),
    "area": (
        "What is the area of {c}?",
        "How large is {c}?",
        "How many square kilometres does {c} cover?",
    ),
    "continent": (
        "On which continent does {c} lie?",
        "Which continent does {c} belong to?",
        "What continent is {c} part of?",
    ),
    "neighbours": (
        "Which countries border {c}?",
        "Which countries share a border with {c}?",
        "What are the neighbouring countries of {c}?",
    ),
    "rivers": (
        "Which major rivers flow through {c}?",
        "Name the major rivers of {c}.",
        "What major rivers are there in {c}?",
    ),
    "languages": (
        "Which languages are official in {c}?",
        "Which official languages does {c} have?",
        "What is officially spoken in {c}?",
    ),
    "neighbour_count": (
        "How many countries border {c}?",
        "How many neighbouring countries does {c} have?",
        "With how many countries does {c} share a border?",
    ),
    "river_count": (
        "How many major rivers flow through {c}?",
        "How many major rivers does {c} have?",
        "How many major rivers are there in {c}?",
    ),
    "largest_neighbour": (
        "Which country bordering {c} has the largest area?",
        "What is the largest country that borders {c}?",
        "Of all countries bordering {c}, which one is the largest?",
    ),
    "populous_neighbour": (
        "Which country bordering {c} has the most inhabitants?",
        "What is the most populous country that borders {c}?",
        "Of all countries bordering {c}, which one has the largest population?",
    ),
    "longest_river": (
        "What is the longest river that flows through {c}?",
        "Which river in {c} is the longest?",
        "Of all rivers that flow through {c}, which one is the longest?",
    ),
    "longest_length": (
        "How long is the longest river that flows through {c}?",
        "What is the length of the longest river in {c}?",
        "How many kilometres long is the longest river that flows through {c}?",
    ),
    "neighbour_rivers": (
        "Which major rivers flow through the countries that border {c}?",
        "What major rivers are there in the neighbouring countries of {c}?",
        "Name the major rivers of all countries that share a border with {c}.",
    ),
    "neighbour_total": (
        "How many people live in all countries that border {c} taken together?",
        "What is the total population of the countries that border {c}?",
        "How many inhabitants do the neighbouring countries of {c} have altogether?",
    ),
    "country_of_capital": (
        "{city} is the capital of which country?",
        "Which country has {city} as its capital?",
        "What country is {city} the capital of?",
    ),
    "largest": (
        "What is the largest country in {k}?",
        "Which country in {k} has the largest area?",
        "Of all countries in {k}, which one is the largest?",
    ),
    "populous": (
        "What is the most populous country in {k}?",
        "Which country in {k} has the most inhabitants?",
        "Of all countries in {k}, which one has the largest population?",
    ),
    "most_neighbours": (
        "Which country in {k} borders the most countries?",
        "Which country in {k} has the most neighbours?",
        "Of all countries in {k}, which one has the largest number of neighbours?",
    ),
    "compare_population": (
        "Which country has more inhabitants, {c} or {d}?",
        "Do more people live in {c} or in {d}?",
        "Which of the two has the larger population, {c} or {d}?",
    ),
    "compare_area": (
        "Which country is larger, {c} or {d}?",
        "Which has the larger area, {c} or {d}?",
        "Is {c} or {d} the larger country?",
    ),
    "compare_length": (
        "Which river is longer, {r} or {s}?",
        "Is {r} or {s} the longer river?",
        "Which of the two rivers is longer, {r} or {s}?",
    ),
    "length": (
        "How long is {r}?",
        "What is the length of {r}?",
        "How many kilometres long is {r}?",
    ),
    "river_countries": (
        "Which countries does {r} flow through?",
        "Through which countries does {r} run?",
        "In which countries can one find {r}?",
    ),
    "river_country_count": (
        "How many countries does {r} flow through?",
        "Through how many countries does {r} run?",
        "What is the number of countries through which {r} flows?",
    ),
    "populous_than": (
        "Which countries in {k} have more than {n} inhabitants?",
        "In which countries of {k} do more than {n} people live?",
        "Name the countries in {k} with a population of more than {n}.",
    ),
    "count_populous": (
        "How many countries in {k} have more than {n} inhabitants?",
        "In how many countries of {k} do more than {n} people live?",
        "What is the number of countries in {k} with a population of more than {n}?",
    ),
    "larger_than": (
        "Which countries in {k} are larger than {n}?",
        "Which countries in {k} cover more than {n}?",
        "Name the countries in {k} with an area of more than {n}.",
    ),
    "not_bordering": (
        "Which countries in {k} do not border {c}?",
        "Which countries in {k} have no border with {c}?",
        "Name the countries in {k} that do not share a border with {c}.",
    ),
    "not_speaking": (
        "Which countries bordering {c} do not have {l} as an official language?",
        "In which neighbouring countries of {c} is {l} not an official language?",
        "Name the countries bordering {c} in which {l} is not official.",
    ),
    "total": (
        "How many people live in {c} and {d} taken together?",
        "What is the total population of {c} and {d}?",
        "How many inhabitants do {c} and {d} have altogether?",
    ),
    "speaking": (
        "Which countries in {k} have {l} as an official language?",
        "In which countries of {k} is {l} an official language?",
        "Name the countries in {k} in which {l} is official.",
    ),
    "count_speaking": (
        "How many countries have {l} as an official language?",
        "In how many countries is {l} an official language?",
        "What is the number of countries in which {l} is official?",
    ),
}
"""Template -> its questions."""

STATEMENTS = {
    "capital": "The capital of {c} is {a}.",
    "population": "The population of {c} is {a}.",
    "area": "{c} covers {a}.",
    "continent": "{c} belongs to {a}.",
    "neighbours": "{c} shares a border with {a}.",
    "rivers": "Of the major rivers, {a} {a.v:flows|flow} through {c}.",
    "languages": "In {c}, {a} {a.v:is|are} official.",
    "neighbour_count": "The number of countries that border {c} is {a}.",
    "river_count": "The number of major rivers that flow through {c} is {a}.",
    "largest_neighbour": "Of all countries that border {c}, {a} has the largest area.",
    "populous_neighbour": "Of all countries that border {c}, {a} has the most inhabitants.",
    "longest_river": "Of all rivers that flow through {c}, {a} is the longest.",
    "longest_length": "The longest river that flows through {c} has a length of {a}.",
    "neighbour_rivers": "Of the major rivers, {a} {a.v:flows|flow} through countries that border {c}.",
    "neighbour_total": "The total population of the countries that border {c} is {a}.",
    "country_of_capital": "{city} is the capital of {a}.",
    "largest": "Of all countries in {k}, {a} has the largest area.",
    "populous": "Of all countries in {k}, {a} has the most inhabitants.",
    "most_neighbours": "Of all countries in {k}, {a} has the most neighbours.",
    "compare_population": "{a} has more inhabitants than {b}.",
    "compare_area": "{a} has a larger area than {b}.",
    "compare_length": "{a} is longer than {b}.",
    "length": "{r} is {a} long.",
    "river_countries": "{r} flows through {a}.",
    "river_country_count": "The number of countries through which {r} flows is {a}.",
    "populous_than": "In {k}, {a} have more than {n} inhabitants each.",
    "count_populous": "The number of countries in {k} with more than {n} inhabitants is {a}.",
    "larger_than": "In {k}, {a} each cover more than {n}.",
    "not_bordering": "In {k}, {a} have no border with {c}.",
    "not_speaking": "Of the countries that border {c}, {a} do not have {l} as an official language.",
    "total": "Taken together, {c} and {d} have a population of {a}.",
    "speaking": "In {k}, {l} is an official language of {a}.",
    "count_speaking": "The number of countries in which {l} is an official language is {a}.",
}
"""Template -> the sentence that answers it; `{a}` is the answer, `{b}` the lesser of two that are compared."""
