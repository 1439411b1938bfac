"""pydantic's errors in our words. The names of the errors are pydantic's (docs.pydantic.dev, "Validation errors")."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from nlptl.errors import did_you_mean, nearest
from nlptl.strict import shapes
from nlptl.strict.document import Path, show
from nlptl.strict.shapes import Trace


@dataclass(frozen=True)
class Message:
    """A fault at a path, in words."""

    path: Path
    what: str
    fix: str = ""


_TYPES = "string int float bool model model_attributes dict mapping list tuple set frozen_set iterable"
WRONG_TYPE = frozenset(f"{name}_{how}" for name in _TYPES.split() for how in ("type", "parsing")) | {
    "none_required",
    "int_from_float",
}

RANGES: dict[str, Callable[[dict[str, Any]], str]] = {
    "greater_than_equal": lambda context: f"must be at least {_number(context['ge'])}",
    "greater_than": lambda context: f"must be greater than {_number(context['gt'])}",
    "less_than_equal": lambda context: f"must be at most {_number(context['le'])}",
    "less_than": lambda context: f"must be less than {_number(context['lt'])}",
    "multiple_of": lambda context: f"must be a multiple of {_number(context['multiple_of'])}",
    "finite_number": lambda context: "must be a finite number",
    "int_parsing_size": lambda context: "is too large for a whole number",
    "string_too_short": lambda context: f"must have {_counted(context['min_length'], 'character')} or more",
    "string_too_long": lambda context: f"must have {_counted(context['max_length'], 'character')} or fewer",
    "string_pattern_mismatch": lambda context: f"must match {context['pattern']}",
    "too_short": lambda context: f"must have {_counted(context['min_length'], 'item')} or more",
    "too_long": lambda context: f"must have {_counted(context['max_length'], 'item')} or fewer",
}


def message(error: dict[str, Any], at: Trace, root: Any, data: Any) -> Message:
    """Say one of pydantic's errors. `data` is what stands at the path, None where nothing does."""
    kind, context = error["type"], error.get("ctx") or {}
    known = shapes.kinds(at.type) or (shapes.kinds(at.owner) if at.owner and at.path[-1:] == ("kind",) else {})
    if kind == "extra_forbidden":
        return Message(at.path, "unknown key", _home_of(str(at.path[-1]), at.owner, root))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        given = data.get("kind") if isinstance(data, dict) else None
        if isinstance(data, dict) and "kind" in data:
            return _no_kind(at.path, given, known)
        return Message((*at.path, "kind"), "missing", f"known: {', '.join(known)}")
    if kind == "missing":
        return Message(at.path, "missing", f"known: {', '.join(known)}" if at.path[-1] == "kind" and known else "")
    if kind == "literal_error" and at.path[-1:] == ("kind",) and known:
        return _no_kind(at.path[:-1], data, known)
    if kind in ("literal_error", "enum"):
        return _no_choice(at, data)
    if kind in RANGES:
        got = f"{len(data)}" if kind in ("too_short", "too_long") and isinstance(data, list | dict) else show(data)
        return Message(at.path, f"{RANGES[kind](context)} (got {got})")
    if kind in WRONG_TYPE and at.type is not None:
        return wrong_type(at.path, at.type, data)
    if kind in ("value_error", "assertion_error"):
        return _own_words(str(context.get("error", error["msg"])), at)
    return Message(at.path, f"{error['msg'][:1].lower()}{error['msg'][1:]} (got {show(data)})")


def wrong_type(path: Path, annotation: Any, data: Any) -> Message:
    """Say what a type accepts, with an example and what came."""
    what = f"{shapes.in_words(annotation)} is needed{shapes.example(annotation)} (got {show(data)})"
    return Message(path, what, _type_fix(annotation, data))


def _no_kind(path: Path, given: Any, known: dict[str, Any]) -> Message:
    name = shelf_name(path)
    every = f"known: {', '.join(known)}"
    if not isinstance(given, str):
        return Message((*path, "kind"), f"the name of a {name}kind is needed (got {show(given)})", every)
    best = nearest(given, known)
    guess = f"did you mean '{best}'?" + (f" {every}" if len(known) > 1 else "")
    return Message((*path, "kind"), f"no {name}kind {show(given)}", guess if best else every)


def shelf_name(path: Path) -> str:
    """Give `tuning ` for `tuning[0]`, and nothing at the top, ready to stand before `kind`."""
    names = [part for part in path if isinstance(part, str)]
    return f"{names[-1]} " if names else ""


def _no_choice(at: Trace, data: Any) -> Message:
    literals = [branch for branch in shapes.choices(at.type) if get_origin(branch) is Literal]
    accepted = [value for branch in literals for value in get_args(branch) if isinstance(value, str)]
    best = nearest(data, accepted) if isinstance(data, str) else None
    what = f"must be {shapes.in_words(at.type)} (got {show(data)})"
    return Message(at.path, what, f"did you mean '{best}'?" if best else "")


def _own_words(text: str, at: Trace) -> Message:
    """A validator of ours may begin its text with the key that it is about: `seeds: …`."""
    key, colon, rest = text.partition(": ")
    model = next((branch for branch in shapes.choices(at.type) if shapes.is_model(branch)), None) if at.type else None
    if colon and model is not None and key in shapes.fields(model):
        return Message((*at.path, key), rest)
    return Message(at.path, text)


def _type_fix(annotation: Any, data: Any) -> str:
    wanted = shapes.choices(annotation)
    known = shapes.kinds(annotation)
    if known and isinstance(data, str):
        best = nearest(data, known)
        return f"write {{kind: {best}}}" if best else f"known: {', '.join(known)}"
    if str in wanted and isinstance(data, bool | int | float):
        return "put it in quotes if it is a text"
    if any(get_origin(branch) in shapes.LISTS for branch in wanted) and isinstance(data, str | int | float | dict):
        return "put it in [ ]"
    return "remove the quotes" if isinstance(data, str) and _is_number(data) and {int, float} & set(wanted) else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text.strip("+-").lower() not in ("nan", "inf", "infinity")


def _home_of(key: str, owner: Any, root: Any) -> str:
    """Say where an unknown key belongs, or which key it was meant to be."""
    own = list(shapes.fields(owner)) if owner else []
    elsewhere: dict[str, list[str]] = {}
    for name, place in shapes.homes(root):
        if name not in own and place not in elsewhere.setdefault(name, []):
            elsewhere[name].append(place)
    if key in elsewhere:
        return f"belongs to {shapes.listed(elsewhere[key])}"
    if nearest(key, own) is None:
        best = nearest(key, elsewhere)
        # Many names are known elsewhere, so one must be closer there to be more than chance.
        if best is not None and difflib.SequenceMatcher(None, key, best).ratio() > 0.8:
            return f"did you mean '{best}' of {shapes.listed(elsewhere[best])}?"
    return did_you_mean(key, own)


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:g}"


def _counted(count: int, name: str) -> str:
    return f"{count} {name}{'' if count == 1 else 's'}"
