"""Names that a spreadsheet would run as a formula: protected when written, as they were when read."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def protected(name: str) -> str:
    """Put an apostrophe before a name that a spreadsheet would run as a formula."""
    return f"'{name}" if name[:1] in FORMULA else name


def unprotected(cell: str) -> str:
    """Take off the apostrophe that keeps a spreadsheet from running a cell as a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] in FORMULA else cell
