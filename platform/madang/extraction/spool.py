"""The spool: replies that are paid for and not yet in the warehouse. A reply counts once it is synced here.

`spool/<run>/<pid>.log`, locked by its writer for as long as that lives; a record is length, CRC-32 and JSON. The
file's lock is also how others see that an owner of claims is alive. Room is reserved before a call is sent, so a
full disk stops sending instead of losing what was received; the reserved tail is zeros, and a length of zero ends
the records. A torn tail (bad length or checksum) is cut there: what follows it was never counted. A record is
written at once and only the sync is shared: a model quicker than the disk, killed, repeated 15 replies that waited
for the next group although one call at a time was allowed. What is in the warehouse leaves the log now and then: after
a million posts it would be a gigabyte, and whoever adopts it reads the whole.
"""

import asyncio
import fcntl
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import JsonValue
from pydantic_core import to_json

from madang.errors import DiskFull

Record = dict[str, JsonValue]

_HEADER = struct.Struct("<II")
_GROUP_SECONDS = 0.05
_RESERVE_STEP_BYTES = 1 << 20
_FORGOTTEN_AT_ONCE_BYTES = 64 << 20


class Spool:
    """The log of one process in one run; open from construction, locked until closed."""

    def __init__(self, folder: Path, run: str, forgotten_at_once_bytes: int = _FORGOTTEN_AT_ONCE_BYTES) -> None:
        self._forgotten_at_once_bytes = forgotten_at_once_bytes
        self.path = folder / run / f"{os.getpid()}.log"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.name = str(self.path.relative_to(folder))
        # Locked before it has the name by which others find it: they would adopt a log without a lock.
        draft = self.path.with_suffix(".new")
        try:
            self._file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        except OSError as error:
            if DiskFull.is_meant(error):
                raise DiskFull.at(folder, str(error)) from error
            raise
        fcntl.flock(self._file, fcntl.LOCK_EX)
        draft.rename(self.path)
        self._written = 0
        self._reserved = 0
        # Where appends begin whose records are not known to be in the warehouse; in order.
        self._kept: dict[int, int] = {}
        self._appends = 0
        self._waiting: list[asyncio.Future[None]] = []
        self._syncing: asyncio.Task[None] | None = None
        self._is_at_disk = False

    def reserve(self, reply_bytes: int) -> None:
        """Makes sure that so many more bytes can be written.

        Raises:
            DiskFull: There is no room; nothing may be sent until there is.
        """
        needed = self._written + reply_bytes
        if needed <= self._reserved:
            return
        target = needed + _RESERVE_STEP_BYTES
        try:
            os.posix_fallocate(self._file, 0, target)
        except OSError as error:
            raise DiskFull(
                self.path, f"no room for {reply_bytes} bytes of replies ({error.strerror})",
                "Free space there and run again: it goes on at the first post not asked",
            ) from error  # fmt: skip
        self._reserved = target

    async def append(self, record: Record) -> None:
        """Writes one record: see `append_all`."""
        await self.append_all([record])

    async def append_all(self, records: Iterable[Record]) -> int:
        """Writes records; returns once they are synced, together with others of the same 50 ms.

        Returns:
            Number of the append, for `forget`.

        Raises:
            DiskFull: They could not be written or synced, and do not count.
        """
        payloads = [to_json(record) for record in records]
        self._appends += 1
        number, self._kept[self._appends] = self._appends, self._written
        try:
            self._write(b"".join(
                part for payload in payloads for part in (_HEADER.pack(len(payload), zlib.crc32(payload)), payload)
            ))  # fmt: skip
        except OSError as error:
            raise self._refused(error) from error
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._sync())
        await done
        return number

    def forget(self, appends: Iterable[int]) -> None:
        """Says that the records of appends are in the warehouse, and their claims committed.

        Once they are many, the log is written anew without them, under its name and locked, so that it has an owner
        all the while. Not while a sync is on its way, which goes to the old file; the next call tries again.
        """
        for number in appends:
            del self._kept[number]
        first = min(self._kept.values(), default=self._written)
        if first < self._forgotten_at_once_bytes or self._is_at_disk:
            return
        draft = self.path.with_suffix(".new")
        try:
            file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        except OSError:  # no room for its name, or no more files may be open: the old one stays
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            kept = os.pread(self._file, self._written - first, first)
            os.posix_fallocate(file, 0, max(self._reserved - first, len(kept), 1))
            _write_at(file, kept, 0)
            os.fsync(file)
            draft.rename(self.path)
        except OSError:  # no room for both: the old one stays
            os.close(file)
            draft.unlink(missing_ok=True)
            return
        os.close(self._file)
        self._file, self._written, self._reserved = file, len(kept), self._reserved - first
        self._kept = {number: at - first for number, at in self._kept.items()}

    async def _sync(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                self._is_at_disk = True
                await asyncio.to_thread(os.fsync, self._file)
            except OSError as error:
                for done in group:
                    if not done.done():
                        done.set_exception(self._refused(error))
                continue
            finally:
                self._is_at_disk = False
            for done in group:
                if not done.done():
                    done.set_result(None)
            if not self._waiting:
                await asyncio.sleep(_GROUP_SECONDS if len(group) > 1 else 0)

    def _write(self, data: bytes) -> None:
        _write_at(self._file, data, self._written)
        self._written += len(data)  # not before: the next record overwrites half a one

    def _refused(self, error: OSError) -> DiskFull:
        return DiskFull(self.path, f"a reply could not be written ({error.strerror})",
                        "Look at the disk and run again: calls that were in flight may be sent once more")  # fmt: skip

    def close(self, *, is_settled: bool) -> None:
        """Releases the file; deletes it when all its records are in the warehouse."""
        if is_settled:
            _remove(self.path)
        os.close(self._file)


class Orphan:
    """The log of a dead process, locked by us."""

    def __init__(self, path: Path, name: str, file: int) -> None:
        self.path, self.name, self._file = path, name, file

    def records(self) -> Iterator[Record]:
        """Every whole record, in order; stops at a torn tail."""
        data = self.path.read_bytes()
        at = 0
        while at + _HEADER.size <= len(data):
            length, checksum = _HEADER.unpack_from(data, at)
            payload = data[at + _HEADER.size : at + _HEADER.size + length]
            if length == 0 or len(payload) < length or zlib.crc32(payload) != checksum:
                return
            yield json.loads(payload)
            at += _HEADER.size + length

    def remove(self) -> None:
        """Deletes the log: its records are in the warehouse."""
        _remove(self.path)

    def close(self) -> None:
        """Releases the lock."""
        os.close(self._file)


def take_orphan(folder: Path, name: str) -> Orphan | None:
    """Locks the log of a dead owner; None if its owner lives, or another process adopted it meanwhile."""
    path = folder / name
    try:
        file = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    if not _is_at(file, path):
        os.close(file)
        return None
    return Orphan(path, name, file)


def is_alive(folder: Path, name: str) -> bool:
    """Whether the writer of a log lives, seen by its lock."""
    try:
        file = os.open(folder / name, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_current = _is_at(file, folder / name)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return not is_current and is_alive(folder, name)


def _write_at(file: int, data: bytes, at: int) -> None:
    view = memoryview(data)
    while view:
        count = os.pwrite(file, view, at)
        at, view = at + count, view[count:]


def _is_at(file: int, path: Path) -> bool:
    """Whether a file is still the one that has its name: its owner may have written it anew."""
    try:
        return os.fstat(file).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def log_names(folder: Path) -> list[str]:
    """Names of all logs, `<run>/<pid>.log`, by run."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.log"))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_suffix(".new").unlink(missing_ok=True)  # of an owner that was killed as it wrote its log anew
    try:
        path.parent.rmdir()
    except OSError:  # other processes of the run still have their logs there
        return
