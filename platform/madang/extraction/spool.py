"""The spool: replies that are paid for and not yet in the warehouse. A reply counts once it is synced here.

`spool/<run>/<pid>.log`, locked by its writer for as long as that lives; a record is length, CRC-32 and JSON. The
file's lock is also how others see that an owner of claims is alive. Room is reserved before a call is sent, so a
full disk stops sending instead of losing what was received; the reserved tail is zeros, and a length of zero ends
the records. A torn tail (bad length or checksum) is cut there: what follows it was never counted. A record is
written at once and only the sync is shared: a model quicker than the disk, killed, repeated 15 replies that waited
for the next group although one call at a time was allowed.
"""

import asyncio
import fcntl
import json
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from pydantic import JsonValue

from madang.errors import DiskFull

Record = dict[str, JsonValue]

_HEADER = struct.Struct("<II")
_GROUP_SECONDS = 0.05
_RESERVE_STEP_BYTES = 1 << 20


class Spool:
    """The log of one process in one run; open from construction, locked until closed."""

    def __init__(self, folder: Path, run: str) -> None:
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
        self._waiting: list[asyncio.Future[None]] = []
        self._syncing: asyncio.Task[None] | None = None

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
        """Writes a record; returns once it is synced, together with others of the same 50 ms.

        Raises:
            DiskFull: It could not be written or synced, and does not count.
        """
        payload = json.dumps(record, ensure_ascii=False).encode()
        try:
            self._write(_HEADER.pack(len(payload), zlib.crc32(payload)) + payload)
        except OSError as error:
            raise self._refused(error) from error
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._sync())
        await done

    async def _sync(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting, []
            try:
                await asyncio.to_thread(os.fsync, self._file)
            except OSError as error:
                for done in group:
                    if not done.done():
                        done.set_exception(self._refused(error))
                continue
            for done in group:
                if not done.done():
                    done.set_result(None)
            if not self._waiting:
                await asyncio.sleep(_GROUP_SECONDS if len(group) > 1 else 0)

    def _write(self, data: bytes) -> None:
        at, view = self._written, memoryview(data)
        while view:
            count = os.pwrite(self._file, view, at)
            at, view = at + count, view[count:]
        self._written = at  # not before: the next record overwrites half a one

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
    if not path.exists() or os.fstat(file).st_ino != path.stat().st_ino:
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
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def log_names(folder: Path) -> list[str]:
    """Names of all logs, `<run>/<pid>.log`, by run."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*.log"))


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    try:
        path.parent.rmdir()
    except OSError:  # other processes of the run still have their logs there
        return
