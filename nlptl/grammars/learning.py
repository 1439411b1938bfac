"""Grammars learnt from training forms: names with the numbers of their arguments, what may stand where, free words.

`functional` · `list` · `frame` · `words`, as the form languages are called.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence

from nlptl.errors import BadInput, did_you_mean

DEEPEST = 40
LONGEST_TEXT = 100
_SPACES = r"%ignore /[ \t\r\n]+/"
_S = r"S: /[ \t\r\n]+/"
"""White space where words must not run into each other, which `%ignore` would let them."""
_FUNCTIONAL = re.compile(r"""'(?:''|[^'])*'|"(?:""|[^"])*"|\\\+|[(),]|[^\s'"(),]+""")
_LIST = re.compile(r'"(?:""|[^"])*"|[()]|[^\s()"]+')
_FRAME = re.compile(r"\[(?:IN|SL):[^\s\[\]]+|[\[\]]|[^\s\[\]]+")
_VARIABLE = re.compile(r"[A-Z]\d*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_TEXTS = {
    "'": f"/'([^'\\n]|''){{1,{LONGEST_TEXT}}}'/",
    '"': f'/"([^"\\n]|""){{1,{LONGEST_TEXT}}}"/',
}


def learnt(forms: Iterable[str], language: str) -> str:
    """Give a grammar that accepts these forms and what is put together in the same way. Raises BadInput.

    functional: a name takes as many arguments as it was seen with, and at each place the kinds that were seen there: a
    term, a group, a text, a number, a variable, or one of the words seen there (any words behind `…id` names).
    list: brackets balance; a bracket begins with what brackets were seen to begin with; atoms are known ones, and free
    behind `string`, `number` and `date`. frame: brackets balance; known intents and slots in turn; words are free.
    words: known words.
    """
    known: dict[str, Callable[[Sequence[str]], str]] = {
        "functional": _functional,
        "list": _list,
        "frame": _frame,
        "words": _words,
    }
    if language not in known:
        raise BadInput("grammar", f"none can be learnt for forms of '{language}'; {did_you_mean(language, known)}")
    rows = [form for form in forms if form.strip()]
    if not rows:
        raise BadInput("grammar", "there are no training forms to learn it from")
    return known[language](rows)


class _Calls:
    """The names that forms call, by the number of their arguments, with the kinds at each place."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, int], list[set[str]]] = {}
        self.top: set[tuple[str, int]] = set()
        """The names that whole forms begin with."""
        self.other_tops: set[str] = set()
        self.atoms: set[str] = set()
        """Words seen where terms stand, such as `all`: any of them may stand at any such place."""

    def kinds(self, place: set[str]) -> set[str]:
        """Give what may stand at a place: what was seen there, and what is like it."""
        lacking = {"term", "group"} - {"term" if name else "group" for name, _ in self.places}
        # One condition may stand where several were seen, and the other way round.
        like = {"term", "group", *self.atoms} if place & {"term", "group"} else set()
        return (place | like) - lacking

    def add(self, form: str) -> None:
        tokens = _FUNCTIONAL.findall(form)
        self._at = 0
        self._tokens = tokens
        kinds = self._term(0)
        self.top |= {self._last} if kinds == {"term"} else set()
        self.other_tops |= kinds - {"term"}

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        found = self._peek()
        self._at += 1
        return found

    def _term(self, depth: int) -> set[str]:
        """Read one term; give the kinds that it is of, as grammar symbols."""
        token = self._take()
        if depth > DEEPEST or token in ("", ",", ")"):
            raise BadInput("grammar", f"a training form is no functional form: '{' '.join(self._tokens)[:80]}'")
        if token[0] in "'\"":
            return {_TEXTS[token[0]]}
        if token == "\\+":
            return {f'"\\\\+" ({_either(self._term(depth + 1))})'}
        if token == "(":
            return {self._call("", depth)}
        if self._peek() == "(":
            self._take()
            return {self._call(token, depth)}
        words = [token]
        while self._peek() not in ("", "(", ")", ",", "\\+"):
            words.append(self._take())
        return {_leaf(words)}

    def _call(self, name: str, depth: int) -> str:
        arguments = [self._term(depth + 1)]
        while self._peek() == ",":
            self._take()
            arguments.append(self._term(depth + 1))
        if self._take() != ")":
            raise BadInput("grammar", f"a training form lacks a bracket: '{' '.join(self._tokens)[:80]}'")
        if name.endswith("id"):
            arguments = [{_freed(kind) for kind in kinds} for kinds in arguments]
        self._last = (name, len(arguments))
        places = self.places.setdefault(self._last, [set() for _ in arguments])
        for place, kinds in zip(places, arguments, strict=True):
            place |= kinds
            if not name.endswith("id"):
                self.atoms |= {kind for kind in kinds if kind.startswith('"') and not kind.startswith('"\\\\+"')}
        return "group" if not name else "term"


def _freed(kind: str) -> str:
    """Let a name stand for any other behind `…id`; `_` is none."""
    return "words" if kind.startswith('"') and kind != '"_"' else kind


def _leaf(words: Sequence[str]) -> str:
    if len(words) == 1 and _VARIABLE.fullmatch(words[0]):
        return "VARIABLE"
    if len(words) == 1 and _NUMBER.fullmatch(words[0]):
        return "NUMBER"
    return " ".join(json.dumps(word, ensure_ascii=False) for word in words)


def _functional(forms: Sequence[str]) -> str:
    calls = _Calls()
    for form in forms:
        calls.add(form)
    named = {key: f"term-{number}" for number, key in enumerate(sorted(key for key in calls.places if key[0]))}
    lines = [f"start: {_either([*(named[key] for key in calls.top), *calls.other_tops])}"]
    for key, rule in named.items():
        inside = ' "," '.join(f"({_either(calls.kinds(place))})" for place in calls.places[key])
        lines.append(f'{rule}: {json.dumps(key[0], ensure_ascii=False)} "(" {inside} ")"')
    if named:
        lines.append(f"term: {_either(named.values())}")
    # Where one group of terms was seen, another length of it may stand.
    groups = [place for (name, _), places in calls.places.items() if not name for place in places]
    members = _either(kind for place in groups for kind in calls.kinds(place))
    if members:
        lines.append(f'group: "(" member ("," member)* ")"\nmember: {members}')
    lines += ["words: WORD+", r"WORD: /[^\s'\"(),]+/", r"VARIABLE: /[A-Z][0-9]*/", r"NUMBER: /-?[0-9]+(\.[0-9]+)?/"]
    return "\n".join([*lines, _SPACES]) + "\n"


def _list(forms: Sequence[str]) -> str:
    heads: set[str] = set()
    atoms: set[str] = set()
    free: set[str] = set()
    nested = False
    for form in forms:
        before = head = ""
        for token in _LIST.findall(form):
            if before == "(" and token == "(":
                nested = True
            elif before == "(" and token != ")":
                head = token
                (free if token in ("string", "number", "date") else heads).add(token)
            elif token not in ("(", ")") and token[0] != '"' and head not in free:
                atoms.add(token)
            before = token
    begin = [*(json.dumps(head, ensure_ascii=False) for head in heads), *["bracket"] * nested]
    items = ["bracket", _TEXTS['"'], *(json.dumps(atom, ensure_ascii=False) for atom in atoms)]
    brackets = [f'"(" S? ({_either(begin)}) (S item)* S? ")"'] if begin else []
    if free:
        brackets.append(f'"(" S? ({_either(map(json.dumps, free))}) (S (WORD | {_TEXTS[chr(34)]}))+ S? ")"')
    top = "bracket" if brackets and all(form.lstrip().startswith("(") for form in forms) else "item"
    lines = [f"start: S? {top} S?", f"bracket: {_either(brackets)}"] if brackets else ["start: S? item S?"]
    lines.append(f"item: {_either(items if brackets else items[1:])}")
    return "\n".join([*lines, r"WORD: /[^\s()\"]+/", _S]) + "\n"


def _frame(forms: Sequence[str]) -> str:
    found = {token for form in forms for token in _FRAME.findall(form)}
    intents = sorted(token for token in found if token.startswith("[IN:"))
    slots = sorted(token for token in found if token.startswith("[SL:"))
    if not intents:
        raise BadInput("grammar", "the training forms have no intent, [IN:…")
    inside = "(WORD | slot)" if slots else "WORD"
    lines = ["start: S? intent S?", f'intent: INTENT (S {inside})* S? "]"']
    if slots:
        lines += ['slot: SLOT (S (WORD | intent))* S? "]"', f"SLOT: {_either(map(json.dumps, slots))}"]
    return "\n".join([*lines, f"INTENT: {_either(map(json.dumps, intents))}", r"WORD: /[^\s\[\]]+/", _S]) + "\n"


def _words(forms: Sequence[str]) -> str:
    found = sorted({word for form in forms for word in form.split()})
    words = _either(json.dumps(word, ensure_ascii=False) for word in found)
    return f"start: S? WORD (S WORD)* S?\nWORD: {words}\n{_S}\n"


def _either(parts: Iterable[str]) -> str:
    return " | ".join(sorted(set(parts)))
