"""How results show themselves in a notebook: small tables of HTML, every text escaped."""

from collections.abc import Iterable, Sequence
from html import escape


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]], notes: Iterable[str] = ()) -> str:
    """Return a table as HTML.

    Parameters
    ----------
    title
        Stands above it.
    head, rows
        Names of the columns; cells, row by row. None is shown as a dash.
    notes
        Sentences below.

    Examples
    --------
    >>> table("a fit", ["neurons"], [[50]])[:38]
    '<p><b>a fit</b></p><table><thead><tr><'
    """
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{_cell(each)}</td>' for each in row)}</tr>" for row in rows)
    below = "".join(f"<p>{escape(note)}</p>" for note in notes)
    head_part = f"<thead><tr>{top}</tr></thead>" if head else ""
    return f"<p><b>{escape(title)}</b></p><table>{head_part}<tbody>{body}</tbody></table>{below}"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return escape(f"{value:.3g}" if isinstance(value, float) else str(value))
