"""Options that many commands share, and how every command reports and fails."""

import json
import math
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import click

NO_SPIKES = "no spikes in the recording: deconvolving its calcium first (as `brainsim deconvolve` does)"
F = TypeVar("F", bound=Callable[..., Any])

recording = click.argument("recording", type=click.Path(path_type=Path))


def out(help: str, suffixes: str = "") -> Callable[[F], F]:
    """``--out PATH`` and ``--overwrite``."""

    def decorate(function: F) -> F:
        function = click.option("--overwrite", is_flag=True, help="Replace an existing result.")(function)
        return click.option("--out", "out", type=click.Path(path_type=Path), required=True, help=help)(function)

    return decorate


def seed(function: F) -> F:
    """``--seed``: the one source of randomness."""
    return click.option(
        "--seed", type=int, default=0, show_default=True, help="Seed of every random number; kept in the result."
    )(function)


def workers(function: F) -> F:
    """``--workers``: processes."""
    return click.option(
        "--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes to share the work."
    )(function)


def scheduler(function: F) -> F:
    """``--scheduler``: the workers of a Dask cluster."""
    return click.option(
        "--scheduler",
        default="",
        metavar="ADDRESS",
        help="Share the work among the workers of a running Dask scheduler, tcp://HOST:PORT, instead of --workers.",
    )(function)


def contest(recordings: str, methods: str) -> Callable[[F], F]:
    """``--preset``, ``--recording``, ``--method``: what a benchmark is held on, and who takes part."""

    def decorate(function: F) -> F:
        for option in (
            click.option("--method", "methods", multiple=True, metavar="NAME", help=methods),
            click.option("--recording", "recordings", multiple=True, type=click.Path(path_type=Path), help=recordings),
            click.option(
                "--preset", "presets", multiple=True, metavar="NAME", help="A preset to simulate; may be repeated."
            ),
        ):
            function = option(function)
        return function

    return decorate


def likelihood(function: F) -> F:
    """``--input``, ``--tau-ms``, ``--ridge``: what the rule ml is fitted to, and how."""
    options = (
        click.option(
            "--input",
            "fitted",
            type=click.Choice(["auto", "spikes", "events"]),
            default="auto",
            show_default=True,
            help="Fit the binned (inferred) spikes or the spike times; auto takes the first that is there.",
        ),
        click.option(
            "--tau-ms",
            type=click.FloatRange(min=0, min_open=True),
            default=None,
            help="Time constant of the postsynaptic potential [ms].",
        ),
        click.option(
            "--ridge",
            type=click.FloatRange(min=0, min_open=True),
            default=None,
            help="Precision of the prior of a weight; by default chosen on held-out time.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def pairing(function: F) -> F:
    """Which stimuli were paired (`stimuli`), and how responsive cells are found (`test`), each as one dict."""
    options = (
        click.option("--conditioned", metavar="NAME", help="Stimulus whose meaning changes [default: aud]."),
        click.option("--unconditioned", metavar="NAME", help="Stimulus that it is paired with [default: air]."),
        click.option(
            "--conditioned-after", metavar="NAME", help="Name of the conditioned stimulus after pairing, if another."
        ),
        click.option(
            "--source",
            type=click.Choice(("auto", "spikes", "calcium", "events")),
            default="auto",
            show_default=True,
            help="What responses are taken from: the first of these that the recording holds.",
        ),
        click.option(
            "--reference",
            type=click.Choice(("auto", "onset", "blank", "others")),
            default="auto",
            show_default=True,
            help="What a response is held against: the time before onset, blank trials, or trials of other stimuli.",
        ),
        click.option("--blank", metavar="NAME", help="Name of the blank stimulus."),
        click.option("--window", type=float, help="Seconds before and after onset that are compared [default: 1]."),
        click.option(
            "--level",
            type=click.FloatRange(0, 1, True, True),
            default=0.05,
            show_default=True,
            help="FDR of responses.",
        ),
        click.option("--keep-shared", is_flag=True, help="Do not take the signal that all cells share off first."),
    )

    @wraps(function)
    def gathered(*args: Any, **given: Any) -> Any:
        stimuli = {name: given.pop(name) for name in ("conditioned", "unconditioned", "conditioned_after")}
        test = {name: given.pop(name) for name in ("source", "reference", "blank", "window", "level", "keep_shared")}
        return function(*args, stimuli=stimuli, test=test, **given)

    for option in reversed(options):
        gathered = option(gathered)
    return cast(F, gathered)


class Echo:
    """Prints a result as prose or, with ``--json``, as one JSON object on stdout."""

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self.as_json, self.quiet = as_json, quiet

    def say(self, text: str) -> None:
        """Print one line of prose (on stderr with ``--json``, so that stdout holds the object alone)."""
        if not self.quiet:
            click.echo(text, err=self.as_json)

    def result(self, facts: Any, prose: str, paths: Iterable[Path] = ()) -> None:
        """Print what the command found, then the paths it wrote."""
        written = [str(path) for path in paths]
        if self.as_json:
            facts = {**facts, "written": written} if isinstance(facts, dict) and written else facts
            click.echo(json.dumps(_plain(facts), allow_nan=False))
            return
        if prose and not self.quiet:
            click.echo(prose)
        for path in written:
            click.echo(path)

    @contextmanager
    def progress(self, label: str) -> Iterator[Callable[..., None]]:
        """Give a :class:`brainsim.progress.Progress` that draws a bar on stderr; silent when that is no terminal."""
        if self.quiet or not sys.stderr.isatty():
            yield lambda done, total, note="": None
            return
        with click.progressbar(length=1, label=label, file=sys.stderr, item_show_func=_note) as bar:

            def show(done: int, total: int, note: str = "") -> None:
                bar.length = total
                bar.update(done - bar.pos, note)

            yield show


def _note(note: Any) -> str | None:
    """Return what stands behind a progress bar."""
    return None if note is None else str(note)


def with_spikes(dataset: Any, workers: int, echo: Echo, scheduler: str = "") -> Any:
    """Deconvolve a recording that has calcium only, and say so."""
    if "spikes" in dataset or "spike_time" in dataset or "calcium" not in dataset:
        return dataset
    from brainsim.calcium import deconvolve

    echo.say(NO_SPIKES)
    with echo.progress("deconvolve") as progress:
        return deconvolve(dataset, workers=workers, progress=progress, scheduler=scheduler)


def _plain(value: Any) -> Any:
    """Turn what NumPy and pathlib hold into what JSON can; a number that is not finite becomes null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)


class Command(click.Command):
    """A command with ``--json``, ``--quiet`` and ``--traceback`` that fails with one sentence and exit code 1."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(["--json", "as_json"], is_flag=True, help="Print the result as one JSON object."),
            click.Option(["--quiet"], is_flag=True, help="No progress bar and no prose."),
            click.Option(
                ["--traceback", "show_traceback"], is_flag=True, help="Show where in the code a failure arose."
            ),
        ]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; turn a failure into one sentence on stderr and exit code 1."""
        show = ctx.params.pop("show_traceback")
        ctx.obj = Echo(ctx.params.pop("as_json"), ctx.params.pop("quiet"))
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise  # click ends quietly where the reader of a pipe went away
        except KeyboardInterrupt:
            click.echo("brainsim: interrupted; nothing half-written was left behind", err=True)
            raise SystemExit(130) from None
        except Exception as error:
            click.echo(f"brainsim: {_sentence(error)}", err=True)
            if show:
                traceback.print_exc()
            raise SystemExit(1) from None


def _sentence(error: Exception) -> str:
    """Say what happened in one line; a failure that brainsim did not foresee says so."""
    from brainsim.error import BrainsimError

    if isinstance(error, BrainsimError):
        return " ".join(str(error).split())
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    return f"unforeseen failure ({type(error).__name__}: {first}); run it again with --traceback and report it"
