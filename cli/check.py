"""``brainsim check``."""

import click

from .option import Command, Echo


@click.command(cls=Command)
@click.pass_obj
def command(echo: Echo) -> None:
    """Say whether compiler, make, headers, packages, torch device and cache work, and what to do if not."""
    from brainsim.health import examine

    points = examine()
    width = max(len(point.name) for point in points)
    lines = [
        f"{'ok ' if point.ok else 'NO '} {point.name:<{width}}  {point.found}"
        + ("" if point.ok else f"\n     -> {point.remedy}")
        for point in points
    ]
    broken = [point.name for point in points if not point.ok]
    lines.append("all in order" if not broken else f"not in order: {', '.join(broken)}")
    echo.result({"ok": not broken, "checks": [point.__dict__ for point in points]}, "\n".join(lines))
    if broken:
        raise SystemExit(1)
