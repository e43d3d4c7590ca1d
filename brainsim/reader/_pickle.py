"""Object arrays of NumPy without running what they hold.

suite2p writes dictionaries as ``.npy`` object arrays, which are pickles: a program. Here the program may build numbers,
text, lists, dictionaries, NumPy arrays and scalars, dates and paths (as text); anything else is refused before it is
called. NumPy's own constructors are not called either, for a forged state makes them read foreign memory: stand-ins
take the state, check it, and become arrays at the end.
"""

import io
import pickle
import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from brainsim.error import InputError

PLAIN = re.compile(r"[biufcSUOMm?]\d{0,9}(\[\w+\])?")
REFUSED = (
    pickle.PERSID,
    pickle.BINPERSID,
    pickle.EXT1,
    pickle.EXT2,
    pickle.EXT4,
    pickle.INST,
    pickle.OBJ,
    pickle.NEWOBJ,
    pickle.NEWOBJ_EX,
    pickle.BYTEARRAY8,
    pickle.NEXT_BUFFER,
    pickle.READONLY_BUFFER,
)


def read_pickle(content: bytes, path: Path) -> Any:
    """Return the object in a pickle that holds nothing but data.

    Parameters
    ----------
    content
        The pickle.
    path
        Its file, to be named in errors.

    Raises
    ------
    InputError
        If it names anything that is not data, or is damaged.
    """
    try:
        return _settled(_Reader(io.BytesIO(content)).load(), {})
    except _Refused as error:
        raise InputError(
            f"it wants to run {error}, which is no data: nothing of it was run",
            where=f"{path}, field 'pickle'",
            remedy="do not trust this file; let suite2p write it again",
        ) from error
    except Exception as error:
        told = (str(error).strip() or type(error).__name__).splitlines()[0][:100]
        raise InputError(
            f"its objects cannot be read ({told})",
            where=f"{path}, field 'pickle'",
            remedy="it is damaged or incomplete: copy it again",
        ) from error


class _Refused(Exception):
    """The name of something that is not data."""


class _DType:
    """Stand-in for a dtype: kind and size, byte order by its state."""

    def __init__(self, name: str, *_: object) -> None:
        if not isinstance(name, str) or not PLAIN.fullmatch(name):
            raise ValueError(f"a dtype '{str(name)[:30]}'")
        self.name = name
        self.order: Any = "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] not in ("<", ">", "|", "=") or any(part is not None for part in state[2:5]):
            raise ValueError("a dtype with fields")
        self.order = state[1]
        if self.name[0] in "Mm":  # dates carry their unit
            (unit, count, *_), plain = state[8][1], self.name[:2]
            self.name = f"{plain}[{int(count)}{unit.decode('ascii')}]"
            if not PLAIN.fullmatch(self.name):
                raise ValueError("a date without a unit")

    def real(self) -> np.dtype[Any]:
        """Return the dtype."""
        return np.dtype(self.name).newbyteorder(self.order)


class _Array:
    """Stand-in for an array: shape, dtype and content come as its state."""

    shape: tuple[int, ...] = (0,)
    dtype: _DType
    order = "C"
    content: Any = b""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, self.shape, self.dtype, fortran, self.content = state
        self.order = "F" if fortran else "C"

    def real(self, known: dict[int, Any]) -> np.ndarray[Any, np.dtype[Any]]:
        """Return the array."""
        kind = self.dtype.real()
        sound = all(isinstance(n, int) and n >= 0 for n in self.shape)
        if not sound or kind.hasobject != isinstance(self.content, list):
            raise ValueError("an array with a forged state")
        if kind.hasobject:
            flat = np.empty(len(self.content), object)
            flat[:] = [_settled(each, known) for each in self.content]
        else:
            flat = np.frombuffer(bytearray(self.content), kind)
        return flat.reshape(self.shape, order=self.order)  # type: ignore[call-overload,no-any-return]


def _reconstruct(kind: object, shape: object, typecode: object) -> _Array:
    return _Array()


def _scalar(kind: _DType, content: bytes) -> Any:
    if kind.real().hasobject:
        raise ValueError("a scalar of objects")
    return np.frombuffer(content, kind.real(), count=1)[0]


def _path(*parts: object) -> str:
    return "/".join(map(str, parts)).replace("//", "/")


class _Named:
    """What a pickle may name and call; without attributes that it could set."""

    __slots__ = ("_call",)
    _call: Any

    def __init__(self, call: Any) -> None:
        object.__setattr__(self, "_call", call)

    def __call__(self, *args: Any) -> Any:
        return self._call(*args)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


_PATHS = ("Path", "PosixPath", "WindowsPath", "PurePath", "PurePosixPath", "PureWindowsPath")
ALLOWED = {
    ("numpy", "dtype"): _Named(_DType),
    ("numpy", "ndarray"): _Named(_Array),
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Named(_reconstruct) for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _Named(_scalar) for core in ("core", "_core")},
    **{("datetime", kind.__name__): _Named(kind) for kind in (datetime, timezone, timedelta)},
    **{(module, name): _Named(_path) for module in ("pathlib", "pathlib._local") for name in _PATHS},
}


class _Reader(pickle._Unpickler):  # the one in Python: its memo is a dictionary, which a forged index cannot swell
    """An unpickler that knows :data:`ALLOWED` and no other name."""

    dispatch = {code: do for code, do in pickle._Unpickler.dispatch.items() if bytes([code]) not in REFUSED}

    def find_class(self, module: str, name: str, /) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the stand-in for a name, or refuse it."""
        if (module, name) not in ALLOWED:
            raise _Refused(f"'{str(module)[:60]}.{str(name)[:60]}'")
        return ALLOWED[module, name]


def _settled(value: Any, known: dict[int, Any]) -> Any:
    """Put real arrays in the places of their stand-ins; what is there twice is converted once."""
    if not isinstance(value, (dict, list, tuple, _Array, _DType, _Named)):
        return value
    if id(value) not in known:
        if isinstance(value, (_DType, _Named)):
            raise ValueError("a name without a value")
        made: Any
        if isinstance(value, _Array):
            made = value.real(known)
        elif isinstance(value, dict):
            made = {_settled(key, known): _settled(each, known) for key, each in value.items()}
        else:
            made = type(value)(_settled(each, known) for each in value)
        known[id(value)] = made
    return known[id(value)]
