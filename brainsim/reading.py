"""Any supported file becomes a recording: guess the format, read, attach stimuli, write down where it came from."""

import hashlib
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import xarray as xr

from brainsim import __version__, catalog, schema
from brainsim.error import InputError
from brainsim.reader import Reader, ReadOptions
from brainsim.reader._cell_types import attach_types
from brainsim.reader._file import head_of, refuse_no_data
from brainsim.reader._hdf5 import HDF5, opened
from brainsim.reader._stimuli import attach
from brainsim.store import SUFFIXES, open_recording


def read_recording(
    sources: Sequence[Path], format: str | None = None, options: ReadOptions | None = None
) -> xr.Dataset:
    r"""Read a recording of any supported format.

    Parameters
    ----------
    sources
        One file; a file and its stimulus file; or a folder that holds one session.
    format
        Name of a reader; guessed from suffix and first bytes by default.
    options
        What the file may not tell about itself.

    Returns
    -------
    Dataset
        Obeys the schema. The attributes `source`, `format`, `input_file`, `input_sha256`, `stimuli_file`,
        `stimuli_sha256`, `brainsim_version` and `sampling_rate_hz` say where it came from; `notices` (one per line)
        what was assumed on the way.

    Raises
    ------
    InputError
        If nothing can read it, it is damaged, options contradict it or mean nothing to its format, or the result
        breaks the schema.
    UnknownName
        If there is no such format.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     table = Path(folder) / "traces.csv"
    ...     lines = table.write_text("time_s,a,b\n" + "".join(f"{k / 10},{k % 3},{k % 5}\n" for k in range(60)))
    ...     recording = read_recording([table])
    >>> recording["calcium"].dims, recording["neuron"].values.tolist(), recording.attrs["sampling_rate_hz"]
    (('time', 'neuron'), ['a', 'b'], 10.0)
    """
    options = options or ReadOptions()
    _check_options(options)
    readers = _readers(format)
    source, stimuli = _roles([Path(path) for path in sources], readers, format)
    if stimuli and options.stimuli:
        raise InputError(
            f"--stimuli {options.stimuli} and {stimuli} are two stimulus files",
            where=f"{source}, field 'stimuli'",
            remedy="give one",
        )
    reader = _reader_of(source, readers, format)
    notices = []
    given = stimuli or options.stimuli
    if given is None and (given := reader.companion(source)) is not None:
        notices.append(f"stimuli were taken from {given.name} beside {source.name}")
    options = replace(options, stimuli=given)
    _refuse_unused(reader, options, source)
    dataset = reader.read(source, options)
    if given is not None and not reader.reads_stimuli:
        dataset = attach(dataset, given)
    if options.cell_type is not None:
        dataset = attach_types(dataset, options.cell_type)
    return schema.validate(_with_origin(dataset, source, reader, options, notices), str(source))


def open_any(path: str | Path) -> xr.Dataset:
    """Open a recording to look at it: brainsim's own as it is, whatever breaks the schema; any other by its reader.

    Raises
    ------
    InputError
        If nothing can read it, or its reader would have to be told more than the file does.
    """
    path = Path(path)
    if path.suffix in SUFFIXES:
        return open_recording(path, validate=False, lazy=True)
    try:
        return read_recording([path])
    except InputError as error:
        first = "" if "brainsim data read" in error.remedy else "; options are those of `brainsim data read`"
        raise InputError(error.what, where=error.where, remedy=error.remedy + first) from error


def _check_options(options: ReadOptions) -> None:
    """Refuse numbers that no recording has."""
    for field in ("sampling_rate", "duration", "neurons"):
        value = getattr(options, field)
        if value is not None and not 0 < value < float("inf"):
            raise InputError(
                f"it is {value:g}",
                where=f"option '--{field.replace('_', '-')}', field '{field}'",
                remedy="give a number above 0",
            )
    if options.neuropil is not None and not 0 <= options.neuropil <= 2.0:
        raise InputError(
            f"it is {options.neuropil:g}",
            where="option '--neuropil', field 'neuropil'",
            remedy="give the share of the neuropil to take off, for example 0.7, or 0 for none",
        )
    if options.orientation not in (None, "neuron-time", "time-neuron"):
        raise InputError(
            f"it is '{options.orientation}'",
            where="option '--orientation', field 'orientation'",
            remedy="give neuron-time or time-neuron",
        )


def _readers(format: str | None) -> list[Reader]:
    """Return the readers to ask, those that recognise a signature first."""
    kinds = [catalog.get("reader", format)] if format else list(catalog.entries("reader").values())
    return sorted((kind() for kind in kinds), key=lambda reader: (reader.priority, reader.name))


def _roles(sources: list[Path], readers: list[Reader], format: str | None) -> tuple[Path, Path | None]:
    """Tell the recording from its stimulus file."""
    for path in sources:
        if not path.exists():
            raise InputError("there is no such file", where=f"{path}, field 'file'", remedy="check the path")
    if len(sources) == 1:
        source = sources[0]
        return (source if not source.is_dir() or _guesses(source, readers) else _session(source, readers)), None
    recordings = [path for path in sources if _guesses(path, readers)] if len(sources) == 2 else []
    if len(recordings) != 1:
        where = f"{', '.join(map(str, sources)) or 'nothing'}, field 'file'"
        raise InputError(
            f"{len(sources)} files are not one recording and its stimulus file",
            where=where,
            remedy=f"give one recording{'' if format else ', or name its format with --format'}, "
            "and its stimuli with --stimuli",
        )
    return recordings[0], next(path for path in sources if path != recordings[0])


def _session(folder: Path, readers: list[Reader]) -> Path:
    """Return the one recording in a folder."""
    found = sorted(path for path in folder.iterdir() if not path.name.startswith(".") and _guesses(path, readers))
    beside = {reader.companion(path) for path in found for reader in _guesses(path, readers)[:1]}
    found = [path for path in found if path not in beside]
    if not found:
        raise InputError(
            "no file in this folder is a recording",
            where=f"{folder}, field 'file'",
            remedy=f"give the file itself; formats: {', '.join(catalog.names('reader'))}",
        )
    if len(found) > 1:
        raise InputError(
            f"it holds {len(found)} sessions: {', '.join(path.name for path in found[:10])}",
            where=f"{folder}, field 'file'",
            remedy="read them one by one",
        )
    return found[0]


def _guesses(source: Path, readers: list[Reader]) -> list[Reader]:
    """Return the readers that recognise a source."""
    return [reader for reader in readers if reader.guess(source)]


def _reader_of(source: Path, readers: list[Reader], format: str | None) -> Reader:
    """Return the reader for a source, or say what it looks like."""
    if format:
        return readers[0]
    fitting = _guesses(source, readers)
    if fitting:
        return fitting[0]
    where = f"{source}, field 'file'"
    head = head_of(source)
    refuse_no_data(head, where)
    kind = ""
    if head.startswith(HDF5):
        with opened(source) as file:
            kind = f" (it is an HDF5 file that holds {', '.join(sorted(file)[:8]) or 'nothing'})"
    raise InputError(
        f"no reader recognises it{kind}",
        where=where,
        remedy=f"name its format with --format: {', '.join(catalog.names('reader'))}",
    )


def _refuse_unused(reader: Reader, options: ReadOptions, source: Path) -> None:
    """Refuse an option that means nothing to the format, rather than ignore it."""
    for field in (f.name for f in fields(options) if f.name != "cell_type"):
        if getattr(options, field) is not None and field not in reader.takes:
            raise InputError(
                f"the format {reader.name} has no use for --{field.replace('_', '-')}",
                where=f"{source}, field '{field}'",
                remedy="leave it out, or name another --format",
            )


def _with_origin(
    dataset: xr.Dataset, source: Path, reader: Reader, options: ReadOptions, notices: list[str]
) -> xr.Dataset:
    """Write down where a recording came from; what a brainsim file says about itself already stays."""
    told = [line for line in str(dataset.attrs.get("notices", "")).splitlines() if line]
    attrs = {
        "source": "recorded",
        **dataset.attrs,
        "format": reader.name,
        "input_file": source.name,
        "input_sha256": _sha256(source, reader.files(source)),
        "brainsim_version": __version__,
    }
    if options.stimuli is not None:
        attrs |= {"stimuli_file": options.stimuli.name, "stimuli_sha256": _sha256(options.stimuli, [options.stimuli])}
    attrs.pop("notices", None)
    if told or notices:
        attrs["notices"] = "\n".join([*told, *notices])
    result = dataset.copy()
    result.attrs = attrs
    return result


def _sha256(source: Path, files: Sequence[Path]) -> str:
    """Return the checksum of a file, or of the files of a folder with their paths."""
    digest = hashlib.sha256()
    for path in files:
        if source.is_dir():
            digest.update(path.relative_to(source).as_posix().encode())
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
