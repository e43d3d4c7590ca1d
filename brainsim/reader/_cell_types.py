"""Cell types given for a recording: one for all its neurons, or a table."""

from pathlib import Path

import numpy as np
import xarray as xr

from brainsim.error import InputError
from brainsim.reader._text import read_table

TYPES = ("E", "I", "unknown")


def attach_types(dataset: xr.Dataset, given: str) -> xr.Dataset:
    """Give the neurons of a recording their types; they replace any that it has.

    Parameters
    ----------
    dataset
        A recording.
    given
        ``E`` or ``I`` for all neurons, or the path of a table with the columns `neuron` and `cell_type`; a neuron that
        it leaves out is unknown.

    Raises
    ------
    InputError
        If there is no such table, it lacks a column, or names a neuron or a type that does not exist.
    """
    n = dataset.sizes["neuron"]
    if given in TYPES:
        return dataset.assign_coords(cell_type=("neuron", np.full(n, given)))
    path = Path(given)
    if not path.is_file():
        raise InputError(
            f"'{given}' is neither E nor I, nor a table",
            where="option '--cell-type', field 'cell_type'",
            remedy="give E, I, or a file with the columns neuron,cell_type",
        )
    table = read_table(path)
    columns = table.column("neuron"), table.column("cell_type")
    if columns[0] is None or columns[1] is None:
        raise InputError(
            "there are no columns neuron,cell_type",
            where=f"{path}, field 'line 1'",
            remedy="name them in the first line",
        )
    names = dataset["neuron"].values.astype(str).tolist() if "neuron" in dataset.coords else list(map(str, range(n)))
    types = np.full(n, "unknown")
    for line, row in zip(table.lines, table.rows, strict=True):
        name, kind = row[columns[0]].strip(), row[columns[1]].strip()
        if name not in names or kind not in TYPES:
            wrong = f"neuron '{name[:40]}'" if name not in names else f"cell type '{kind[:40]}'"
            raise InputError(
                f"line {line} names the {wrong}",
                where=f"{path}, field '{'neuron' if name not in names else 'cell_type'}'",
                remedy=f"types are {', '.join(TYPES)}; neurons of the recording begin with {', '.join(names[:3])}",
            )
        types[names.index(name)] = kind
    return dataset.assign_coords(cell_type=("neuron", types))
