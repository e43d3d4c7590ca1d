"""``brainsim snn change``."""

from pathlib import Path
from typing import Any

import click

from .option import Command, Echo, likelihood, out, pairing, recording, seed, with_spikes, workers


@click.command(cls=Command)
@recording
@out("The changes (.nc or .zarr).")
@click.option("--before", multiple=True, metavar="SESSION", help="A session before; may be given several times.")
@click.option("--after", multiple=True, metavar="SESSION", help="A session after; may be given several times.")
@click.option("--learned", type=click.Path(path_type=Path), help="A fit of an online rule to compare with.")
@click.option("--figure", type=click.Path(path_type=Path), help="Draw the changes between groups (.png).")
@likelihood
@pairing
@workers
@seed
@click.pass_obj
def command(
    echo: Echo,
    /,
    recording: Path,
    out: Path,
    overwrite: bool,
    before: tuple[str, ...],
    after: tuple[str, ...],
    learned: Path | None,
    figure: Path | None,
    stimuli: dict[str, str | None],
    test: dict[str, Any],
    seed: int,
    **how: Any,
) -> None:
    """Find which connections changed between two parts of RECORDING.

    By default, these are the sessions before and after those in which stimuli were paired. Both are fitted alike and
    apart; the difference is given for pairs of neurons and for groups of them.
    """
    from brainsim import before_after
    from brainsim.gradient import Settings
    from brainsim.rule.ml import Ml
    from brainsim.store import check_target, open_recording, save_recording

    check_target(out, overwrite=overwrite)
    if figure is not None:
        check_target(figure, overwrite=overwrite, suffixes=(".png",))
    dataset, other = open_recording(recording), open_recording(learned) if learned else None
    periods = _periods(dataset, before, after)
    groups, notices = before_after.groups_of(dataset, periods[0], stimuli, seed=seed, **test)
    settings = Settings(how["fitted"], ridge=how["ridge"], workers=how["workers"])
    fitted = with_spikes(dataset, how["workers"], echo)
    rule = Ml() if how["tau_ms"] is None else Ml(tau=how["tau_ms"])
    with echo.progress("fit") as progress:
        shared: dict[str, Any] = {"learned": other, "seed": seed, "progress": progress}
        result = before_after.compare(fitted, periods, groups, rule=rule, settings=settings, **shared)
    notices = [*str(result.attrs["notices"]).splitlines(), *notices]
    result.attrs.update(notices="\n".join(notices), recording=recording.name)
    written = [save_recording(result, out, overwrite=overwrite), *([_drawn(result, figure)] if figure else [])]
    cautions = [f"caution: {notice}" for notice in notices]
    echo.result(dict(result.attrs), "\n".join([*before_after.sentence(result), *cautions]), written)


def _periods(dataset: Any, before: tuple[str, ...], after: tuple[str, ...]) -> Any:
    """Return what is before and what is after: as asked for, else what lies around the pairing."""
    from brainsim import session

    if bool(before) != bool(after):
        raise click.UsageError("--before and --after are given together")
    if set(before) & set(after):
        raise click.UsageError(f"session {sorted(set(before) & set(after))[0]} cannot be both before and after")
    if not before:
        return session.around_pairing(dataset)
    return session.named(dataset, before), session.named(dataset, after)


def _drawn(result: Any, figure: Path) -> Path:
    """Draw the changes between groups."""
    import matplotlib

    from brainsim.figure.change import change_picture
    from brainsim.folder import png
    from brainsim.plot import STYLE
    from brainsim.store import write_bytes

    with matplotlib.rc_context(STYLE):
        write_bytes(figure, png(change_picture(result).figure))
    return figure
