"""Disks that fail: the n-th operation that changes a folder, or every file beyond a size."""

import contextlib
import os
import resource
import sys

CHANGES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Disk:
    """Counts what changes a folder, and fails at one of them, in whatever thread it happens.

    Python tells an audit hook of every file that is opened, folder that is made and name that is changed; a hook
    cannot be taken away, so there is one, which does nothing unless armed.
    """

    folder, fails_at, forever, count = "", 0, False, 0

    def hear(self, event, arguments):
        if not self.folder or event not in ("open", "os.mkdir", "os.rename"):
            return
        flags = arguments[2] if event == "open" else CHANGES
        path = arguments[0]
        if not (flags & CHANGES) or isinstance(path, int) or not os.fsdecode(path).startswith(self.folder):
            return
        self.count += 1
        if self.count == self.fails_at or (self.forever and self.count > self.fails_at > 0):
            raise OSError(28, "No space left on device", os.fsdecode(path))

    @contextlib.contextmanager
    def armed(self, folder, fails_at=0, forever=False):
        """Fail at the n-th change (0: only count); at every later one too where `forever`."""
        self.folder, self.fails_at, self.forever, self.count = str(folder), fails_at, forever, 0
        try:
            yield self
        finally:
            self.folder = ""


DISK = Disk()
sys.addaudithook(DISK.hear)


@contextlib.contextmanager
def files_end_at(size):
    """No file of this process grows beyond so many bytes, as under ``ulimit -f``."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
