"""The first bytes of a file: missing, empty, a web page, or of another kind."""

from pathlib import Path

from brainsim.error import InputError


def head_of(path: Path, count: int = 512) -> bytes:
    """Return the first bytes of a file, none of a folder."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(count)


def check_head(path: Path, magic: bytes, kind: str) -> None:
    """Refuse a file that does not begin as its kind does.

    Raises
    ------
    InputError
        Saying whether it is missing, empty, a web page or something else.
    """
    where = f"{path}, field 'file'"
    if not path.is_file():
        raise InputError("there is no such file", where=where, remedy="check the path, and copy the whole folder")
    head = head_of(path)
    refuse_no_data(head, where)
    if not head.startswith(magic):
        raise InputError(f"this is no {kind}", where=where, remedy="copy it again, or give the right file")


def refuse_no_data(head: bytes, where: str) -> None:
    """Refuse a file that is empty or a web page.

    Raises
    ------
    InputError
        If it is.
    """
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t")
    if not text:
        raise InputError("the file is empty", where=where, remedy="copy or download it again")
    if text[:1] == b"<":
        raise InputError(
            "this is a web page, not a recording",
            where=where,
            remedy="download the file itself, not the page that links to it",
        )
