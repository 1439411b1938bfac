"""The command line: parse, call, print. Results go to standard output, messages to standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

from nlptl import launch
from nlptl.doors import augment, begin, compare, export, listing, look, plans, reports, tune
from nlptl.doors.options import AsJson, Offline, Out
from nlptl.errors import BadInput, NlptlError, OutOfSpace, Problem

Numbers = Literal["fp32", "bf16"]

app = typer.Typer(
    name="nlptl", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip

Overrides = Annotated[list[str] | None, typer.Argument(metavar="KEY=VALUE", help="Overrides, such as train.epochs=3.")]
RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A file with a recipe or plan, or a shipped one.")]


@app.command()
def run(
    recipe: RecipeName,
    overrides: Overrides = None,
    out: Out = Path("runs"),
    processes: Annotated[int, typer.Option(min=1, help="Processes on this machine, through torchrun.")] = 1,
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Run a recipe or a plan. One run directory a seed: finished ones are found, begun ones go on; a plan has a report
    of its own beside them.
    """
    from nlptl import terminal
    from nlptl.plan import reading

    if reading.is_plan(recipe):
        plans.run(recipe, overrides or (), out, processes, offline, as_json)
        return
    if processes > 1 and not launch.inside():
        raise typer.Exit(launch.again(sys.argv[1:], processes))
    launch.check_world()
    from nlptl.runs import run as run_recipe

    with terminal.watch(quiet=launch.rank() > 0) as watch:
        results = run_recipe(recipe, overrides=overrides or (), out=out, offline=offline, watch=watch)
    if launch.rank() == 0:
        terminal.show_results(results, as_json=as_json)
    launch.part()


@app.command()
def check(
    recipes: Annotated[
        list[str], typer.Argument(metavar="RECIPE", help="Recipes; KEY=VALUE items override all of them.")
    ],
    as_json: AsJson = False,
) -> None:
    """Say all that is wrong with recipes and plans. No model is loaded; exit code 2 if anything is wrong."""
    from nlptl import terminal
    from nlptl.checks import Checked
    from nlptl.checks import check as check_recipe
    from nlptl.plan import reading

    overrides = [item for item in recipes if "=" in item and not Path(item).exists()]
    names = [item for item in recipes if item not in overrides]
    if not names:
        raise BadInput("check", Problem("no recipe is named, only overrides", fix="write nlptl check RECIPE KEY=VALUE"))
    found: dict[str, Checked | reading.CheckedPlan | BadInput] = {}
    for name in names:
        try:
            read = reading.check if reading.is_plan(name) else check_recipe
            found[name] = read(name, overrides)
        except BadInput as fault:
            found[name] = fault
    terminal.show_checked(found, as_json=as_json)
    if any(isinstance(one, BadInput) for one in found.values()):
        raise typer.Exit(BadInput.exit_code)


@app.command()
def plan(
    recipe: RecipeName,
    overrides: Overrides = None,
    out: Out = Path("runs"),
    offline: Offline = False,
    as_json: AsJson = False,
) -> None:
    """Say what a recipe will do and cost, and what is advised. Rows, steps, trainable parameters, memory, minutes, and
    the smallest difference that its test can show; a few real steps are tried and thrown away. Of a plan: all its
    runs, which of them are done, and the smallest gain that its seeds and rows can show.
    """
    from nlptl import terminal
    from nlptl.advising import told
    from nlptl.checks import check as check_recipe
    from nlptl.plan import plan as plan_recipe
    from nlptl.plan import reading

    if reading.is_plan(recipe):
        plans.plan(recipe, overrides or (), out, offline, as_json)
        return
    checked = check_recipe(recipe, overrides or ())
    terminal.say("reading the data and trying a few steps")
    planned = plan_recipe(checked, out=out, offline=offline)
    terminal.show_plan(planned, as_json=as_json)
    if not as_json:
        print("\n".join([*planned.step_memory, *planned.taken, *told(planned.facts, planned.advice)]))


@app.command()
def predict(
    run_directory: Annotated[str, typer.Argument(metavar="RUN", help="A run directory, or the model folder in one.")],
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="A text a line, or JSON lines; - is standard input.")
    ] = "-",
    task: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which task of a run that was trained on several together.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    numbers: Annotated[Numbers | None, typer.Option("--precision", help="Absent: as it was trained.")] = None,
) -> None:
    """Predict the lines of a file. JSON lines go to standard output, in the order of the input."""
    from nlptl import terminal
    from nlptl.predict import predict_lines

    with terminal.watch(quiet=False) as watch:
        predict_lines(run_directory, source, sys.stdout, task=task, device=device, numbers=numbers, watch=watch)


@app.command()
def cp(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Absent: the shipped ones are listed.")] = "",
    target: Annotated[Path | None, typer.Argument(metavar="TARGET", help="Absent: its own name here.")] = None,
) -> None:
    """Copy a shipped recipe to edit it. A file that is there is never overwritten."""
    from nlptl import artifacts, checks
    from nlptl.errors import did_you_mean

    if not recipe:
        print("\n".join(checks.shipped()))
        return
    source = checks.find(recipe)
    if not source.is_file():
        raise BadInput(recipe, Problem("no such recipe is shipped", fix=did_you_mean(recipe, checks.shipped())))
    place = target or Path(source.name)
    place = place / source.name if place.is_dir() else place
    if place.exists():
        raise BadInput(str(place), Problem("is there already", fix="name another file"))
    artifacts.write_text(place, source.read_text(encoding="utf-8"))
    print(place)


@app.command()
def schema() -> None:
    """Print the JSON Schema of recipes and plans for editors. Such as: nlptl schema > nlptl.schema.json"""
    import json

    from nlptl import strict
    from nlptl.plan import reading
    from nlptl.recipe import Recipe
    from nlptl.unsaid import RecipeUnsaid

    made = strict.schema(Recipe | RecipeUnsaid | reading.model(), "nlptl recipe or plan")
    print(json.dumps(made, indent=2, ensure_ascii=False))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what this machine has. Versions, devices, precision and kernels, disk, caches."""
    from nlptl import terminal

    terminal.show_doctor(as_json=as_json)


@app.command()
def fetch(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME", help="Recipes, cards or checkpoints; all that they need is brought."),
    ],
) -> None:
    """Bring checkpoints and data to the cache. Runs then need no network."""
    from nlptl import fetching, terminal

    with terminal.watch(quiet=False) as watch:
        for name in names:
            for line in fetching.fetch(name, watch):
                print(line)


for _door in (augment, listing, begin, look, reports, compare, export, tune):
    for _name, _command in _door.COMMANDS.items():
        app.command(name=_name)(_command)


@app.callback(invoke_without_command=True)
def version(
    context: typer.Context, show: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Transfer learning for NLP from one recipe file, with numbers you can trust."""
    if show:
        from nlptl.version import __version__

        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code; no error of any kind ends with a traceback."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that is not UTF-8 shows escapes where it lacks a character
            stream.reconfigure(errors="backslashreplace")
    try:
        _warn_of_secrets(given)
        app(args=given, prog_name="nlptl")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        code = 130
    except Exception as fault:
        code = _told(fault, given)
    if code in (130, 143) and given[:1] == ["run"] and launch.speaks():
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
    sys.exit(_flushed(code))


def _told(fault: Exception, arguments: Sequence[str]) -> int:
    """Say what went wrong, on one process of several; give the exit code."""
    from nlptl import crash, terminal

    if launch.inside() and crash.is_lost_peer(fault):
        terminal.say(f"process {launch.rank()}: another process of this run has ended; its own message says why")
        return NlptlError.exit_code
    if crash.is_out_of_memory(fault):
        fault = OutOfSpace("memory ran out; lower machine.micro_tokens, which changes no number, or model.max_tokens")
    code = fault.exit_code if isinstance(fault, NlptlError) else NlptlError.exit_code
    if isinstance(fault, NlptlError) and launch.rank() == 0:
        terminal.show_problem(fault, as_json="--json" in arguments)
    if code == NlptlError.exit_code:
        terminal.say(crash.report(fault, arguments))
    return code


def _warn_of_secrets(arguments: Sequence[str]) -> None:
    from nlptl.artifacts.redaction import redact

    if any(redact(argument) != argument for argument in arguments):
        print(
            "warning: a secret stands on the command line, where other users of this machine see it; it is not stored",
            file=sys.stderr,
        )


def _flushed(code: int) -> int:
    """Write out what is buffered; a reader that has gone away, such as `head`, is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
