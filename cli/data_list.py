"""``brainsim data list``: the bundled recordings."""

import click

from .option import Command, Echo


@click.command(cls=Command)
@click.pass_obj
def command(echo: Echo) -> None:
    """List the recordings that are installed with brainsim."""
    from brainsim.dataset import paths
    from brainsim.store import open_recording

    facts = {}
    for name, path in paths().items():
        dataset = open_recording(path)
        facts[name] = {
            "path": str(path),
            "sizes": {str(k): int(v) for k, v in dataset.sizes.items()},
            "source": dataset.attrs["source"],
            "title": str(dataset.attrs.get("title", "")),
        }
    lines = [
        f"{name:24} {fact['source']:10} {', '.join(f'{n} {dim}' for dim, n in fact['sizes'].items())}"
        f"{'  ' + fact['title'] if fact['title'] else ''}"
        for name, fact in facts.items()
    ]
    echo.result(facts, "\n".join(lines) or "no recording is bundled")
