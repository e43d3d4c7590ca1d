"""One cell of a text table: number, missing, or a name that a spreadsheet would run as a formula."""

import re

MISSING = ("", "NA", "N/A", "nan", "NaN", "NAN", "null", "None", "-nan")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def protected(name: str) -> str:
    """Put an apostrophe before a name that a spreadsheet would run as a formula."""
    return f"'{name}" if name[:1] in FORMULA else name


def unprotected(cell: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from running a cell as a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell


def pointed(cell: str) -> str:
    """Write a decimal comma as a point."""
    return cell.replace(",", ".") if "," in cell and re.fullmatch(r"\s*[-+]?\d*,\d+([eE][-+]?\d+)?\s*", cell) else cell


def is_number(cell: str) -> bool:
    """Tell whether a cell holds a number, or one of the words for a missing one."""
    try:
        float(cell)
    except ValueError:
        return cell in MISSING
    return True


def counts_up(first: list[str]) -> bool:
    """Tell whether the first line is 0, 1, 2 ... or 1, 2, 3 ..., after an empty corner or not: names, not values."""
    cells = first[1:] if not first[0] else first
    return len(cells) > 2 and cells in ([str(n + start) for n in range(len(cells))] for start in (0, 1))
