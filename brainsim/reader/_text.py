"""Text tables as they come: separators, decimal comma, encodings, and what is no table at all."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from brainsim.error import InputError
from brainsim.reader._cell import MISSING, counts_up, is_number, pointed, unprotected

SUFFIXES = (".csv", ".tsv", ".txt", ".dat")


@dataclass(frozen=True)
class Table:
    """The cells of a text file.

    Parameters
    ----------
    path
        Where they came from.
    header
        Names of the columns; `None` where the first line holds numbers.
    rows
        Every cell as it is written, with a decimal point.
    lines
        Line number of each row, from 1.
    notices
        What had to be assumed to read the file.
    """

    path: Path
    header: list[str] | None
    rows: list[list[str]]
    lines: list[int]
    notices: tuple[str, ...]

    def numbers(self, columns: Sequence[int]) -> NDArray[np.float64]:
        """Return the cells of some columns as numbers, empty ones as NaN, shape (row, column).

        Raises
        ------
        InputError
            Naming line and column of the first cell that is no number.
        """
        values = np.full((len(self.rows), len(columns)), np.nan)
        for at, column in enumerate(columns):
            text = pd.Series([row[column].strip() for row in self.rows], dtype=object)
            found = pd.to_numeric(text, errors="coerce")
            wrong = (found.isna() & ~text.isin(MISSING)).to_numpy()
            if wrong.any():
                row = int(np.argmax(wrong))
                raise InputError(
                    f"'{text.iloc[row][:40]}' in line {self.lines[row]} is not a number "
                    f"({int(wrong.sum())} such cells)",
                    where=f"{self.path}, field '{self.name(column)}'",
                    remedy="correct the cell, or leave it empty",
                )
            values[:, at] = found.to_numpy(float)
            finite = np.flatnonzero(np.isfinite(values[:, at]))
            values[finite, at] = [float(cell) for cell in text.to_numpy()[finite]]  # to the last digit, with any pandas
        return values

    def texts(self, column: int) -> list[str]:
        """Return the cells of a column as text, without a protection against formulas."""
        return [unprotected(row[column].strip()) for row in self.rows]

    def name(self, column: int) -> str:
        """Return the name of a column, or its number from 1."""
        return self.header[column] if self.header else f"column {column + 1}"

    def column(self, *names: str) -> int | None:
        """Return the first column with one of these names."""
        known = [name.strip().lower() for name in self.header or []]
        return next((known.index(name) for name in names if name in known), None)


def looks_like_text(source: Path, suffixes: tuple[str, ...] = SUFFIXES) -> bool:
    """Tell from suffix and first bytes whether a file may be a text table."""
    if source.suffix.lower() not in suffixes or not source.is_file():
        return False
    with source.open("rb") as file:
        head = file.read(512)
    text = head.decode(_encoding(head), errors="ignore").strip()
    return bool(text) and "\0" not in text and text[:1] != "<"


def read_head(source: Path, *, counted: bool = False) -> Table:
    """Return the first three lines of a table, to guess from; they may differ in length."""
    with source.open("rb") as file:
        head = b"".join(file.readline(1 << 24) for _ in range(8))
    return _parse(source, head.decode(_encoding(head), errors="ignore"), (), counted, lines=3)


def read_table(path: Path, *, counted: bool = False) -> Table:
    """Read a text table; `counted` takes a first line 0, 1, 2 ... (or from 1) for names of columns.

    The separator is the one of tab, `;`, `,` and blanks that the first lines agree on; with `;` or tab a decimal comma
    is understood. UTF-8 (with or without a mark) and UTF-16 with a mark are told; anything else is read as
    Windows-1252, with a notice.

    Raises
    ------
    InputError
        If the file is missing, empty, a web page, not text, or its lines differ in length.
    """
    text, notices = read_text(path)
    return _parse(path, text, notices, counted)


def read_text(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the text of a file, and what had to be assumed about its encoding.

    Raises
    ------
    InputError
        If the file is missing, empty, a web page, or not text.
    """
    where = f"{path}, field 'file'"
    if not path.is_file():
        raise InputError("there is no such file", where=where, remedy="check the path")
    data = path.read_bytes()
    if not data.strip(b"\xef\xbb\xbf \r\n\t"):
        raise InputError("the file is empty", where=where, remedy="copy or download it again")
    if data.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<":
        raise InputError(
            "this is a web page, not a table",
            where=where,
            remedy="download the file itself, not the page that links to it",
        )
    notices: tuple[str, ...] = ()
    try:
        text = data.decode(_encoding(data))
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
        notices = (f"{path.name} is not UTF-8: read as Windows-1252",)
    if "\0" in text:
        raise InputError("this is not a text file", where=where, remedy="name its format with --format")
    return text, notices


def _parse(path: Path, text: str, notices: tuple[str, ...], counted: bool, lines: int | None = None) -> Table:
    """Split text into cells."""
    every = (line.rstrip("\n") for line in io.StringIO(text, newline=None))
    numbered = [(at, line) for at, line in enumerate(every, 1) if line.strip() and line[:1] != "#"]
    numbered = numbered[:lines]
    if not numbered:
        raise InputError("there is no line in it", where=f"{path}, field 'file'", remedy="copy or download it again")
    separator = _separator([line for _, line in numbered[:20]])
    if separator == " ":
        rows = [line.split() for _, line in numbered]
    else:
        rows = list(csv.reader(io.StringIO("\n".join(line for _, line in numbered)), delimiter=separator))
    if separator in ";\t ":
        rows = [[pointed(cell) for cell in row] for row in rows]
    if all(len(row) > 1 and not row[-1].strip() for row in rows):
        rows = [row[:-1] for row in rows]
    first = [cell.strip() for cell in rows[0]]
    has_header = any(cell and not is_number(cell) for cell in first) or (counted and counts_up(first))
    table = Table(
        path,
        [unprotected(cell) for cell in first] if has_header else None,
        rows[has_header:],
        [at for at, _ in numbered][has_header:],
        notices,
    )
    if lines is None:
        _check_widths(table, len(first))
    return table


def _encoding(data: bytes) -> str:
    """Return the encoding that the first bytes mark."""
    return "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _check_widths(table: Table, width: int) -> None:
    """Refuse lines that are longer or shorter than the first."""
    wrong = [at for at, row in enumerate(table.rows) if len(row) != width]
    if wrong:
        raise InputError(
            f"line {table.lines[wrong[0]]} has {len(table.rows[wrong[0]])} cells, the first has {width} "
            f"({len(wrong)} such lines)",
            where=f"{table.path}, field 'line {table.lines[wrong[0]]}'",
            remedy="the file is damaged or incomplete: copy it again",
        )


def _separator(lines: Sequence[str]) -> str:
    """Return the separator that every one of the first lines holds equally often."""
    for candidate in ("\t", ";", ","):
        if min(line.count(candidate) for line in lines) > 0:
            return candidate
    return " " if all(len(line.split()) > 1 and re.fullmatch(r"[-+.\deE\snaNif]*", line) for line in lines) else ","
