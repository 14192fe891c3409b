"""The spool: what was synced survives its process, a torn tail is cut, and the lock says who lives."""

import asyncio
import errno
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from madang.errors import DiskFull
from madang.extraction.spool import Record, Spool, is_alive, log_names, take_orphan

RECORDS: list[Record] = [{"n": 1, "text": "러닝 🏃"}, {"n": 2, "text": "x" * 300}, {"n": 3, "nested": {"a": [1, None]}}]


def write(spool: Spool, records: list[Record]) -> None:
    async def append() -> None:
        await asyncio.gather(*(spool.append(record) for record in records))

    asyncio.run(append())


def left_behind(folder: Path, run: str = "run1") -> str:
    """The name of a log whose owner has died after three records."""
    spool = Spool(folder, run)
    spool.reserve(1000)
    write(spool, RECORDS)
    spool.close(is_settled=False)
    return spool.name


def read(folder: Path, name: str) -> list[Record]:
    orphan = take_orphan(folder, name)
    assert orphan is not None
    try:
        return list(orphan.records())
    finally:
        orphan.close()


def test_records_survive_their_owner_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    name = left_behind(tmp_path)

    assert name == f"run1/{os.getpid()}.log"
    assert log_names(tmp_path) == [name]
    assert read(tmp_path, name) == RECORDS


def test_an_appended_record_is_on_disk_when_append_returns(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "run1")
    found = []

    async def append() -> None:
        await spool.append({"n": 1})
        found.append(spool.path.read_bytes())

    asyncio.run(append())
    spool.close(is_settled=True)
    payload = b'{"n":1}'

    assert found == [struct.pack("<II", len(payload), zlib.crc32(payload)) + payload]


def test_records_of_the_same_moment_are_synced_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    spool = Spool(tmp_path, "run1")
    write(spool, [{"n": n} for n in range(100)])
    spool.close(is_settled=False)

    assert len(synced) == 1
    assert [record["n"] for record in read(tmp_path, spool.name)] == list(range(100))


def test_a_tail_torn_at_any_byte_costs_only_its_own_record(tmp_path: Path) -> None:
    name = left_behind(tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()[: sum(8 + struct.unpack_from("<I", path.read_bytes(), at)[0] for at in starts(path))]
    last = starts(path)[-1]

    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        assert read(tmp_path, name) == RECORDS[:2], end
        path.write_bytes(whole[:end] + bytes(4096))
        assert read(tmp_path, name) == RECORDS[:2], end


def starts(path: Path) -> list[int]:
    """Where the records of a log start."""
    data, at, found = path.read_bytes(), 0, []
    while length := struct.unpack_from("<I", data, at)[0]:
        found.append(at)
        at += 8 + length
    return found


@pytest.mark.parametrize("position", [0, 4, 8, 20])
def test_a_flipped_byte_ends_the_log_before_its_record(tmp_path: Path, position: int) -> None:
    name = left_behind(tmp_path)
    path = tmp_path / name
    data = bytearray(path.read_bytes())
    data[starts(path)[1] + position] ^= 0x40
    path.write_bytes(bytes(data))

    assert read(tmp_path, name) == RECORDS[:1]


def test_an_empty_log_has_no_records(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "run1")
    spool.close(is_settled=False)

    assert read(tmp_path, spool.name) == []


def test_the_log_of_a_living_owner_is_not_taken(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "run1")

    assert is_alive(tmp_path, spool.name)
    assert take_orphan(tmp_path, spool.name) is None
    spool.close(is_settled=False)
    assert not is_alive(tmp_path, spool.name)


def test_another_process_sees_the_lock_and_its_end(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from madang.extraction.spool import Spool\n" \
           "spool = Spool(Path(sys.argv[1]), 'run1'); print(spool.name, flush=True); sys.stdin.read()"  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().strip()
        alive_before = is_alive(tmp_path, name)
        process.kill()
        process.wait()

        assert alive_before
        assert name == f"run1/{process.pid}.log"
        assert not is_alive(tmp_path, name)
        assert read(tmp_path, name) == []


def test_a_log_is_taken_by_one_process_only(tmp_path: Path) -> None:
    name = left_behind(tmp_path)
    mine = take_orphan(tmp_path, name)
    assert mine is not None

    assert take_orphan(tmp_path, name) is None
    assert is_alive(tmp_path, name)
    mine.remove()
    mine.close()
    assert take_orphan(tmp_path, name) is None
    assert log_names(tmp_path) == []
    assert not (tmp_path / "run1").exists()


def test_a_settled_log_leaves_nothing_behind(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "run1")
    write(spool, RECORDS)
    spool.close(is_settled=True)

    assert log_names(tmp_path) == []
    assert not (tmp_path / "run1").exists()


def test_a_full_disk_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(file: int, offset: int, length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    spool = Spool(tmp_path, "run1")
    write(spool, RECORDS)
    monkeypatch.setattr(os, "posix_fallocate", no_room)

    with pytest.raises(DiskFull, match=r"no room for 512 bytes of replies \(No space left on device\)\. Free space"):
        spool.reserve(512)

    spool.close(is_settled=False)
    assert read(tmp_path, spool.name) == RECORDS


def test_reserved_room_is_real_and_is_reserved_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "run1")
    spool.reserve(1000)
    size = spool.path.stat().st_size
    spool.reserve(900)

    assert size >= 1000
    assert spool.path.stat().st_blocks * 512 >= 1000
    assert spool.path.stat().st_size == size
    spool.close(is_settled=True)


def test_what_is_in_the_warehouse_leaves_the_log_and_the_rest_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "run1", forgotten_at_once_bytes=100)
    spool.reserve(10_000)

    async def append() -> None:
        first = await spool.append_all(RECORDS[:2])
        second = await spool.append_all(RECORDS[2:])
        await spool.append({"n": 4})
        spool.forget([second])
        whole = spool.path.stat().st_size
        spool.forget([first])

        assert spool.path.stat().st_size < whole
        await spool.append({"n": 5})

    asyncio.run(append())

    assert is_alive(tmp_path, spool.name)
    spool.close(is_settled=False)
    assert read(tmp_path, spool.name) == [{"n": 4}, {"n": 5}]


def test_a_log_that_was_written_anew_still_has_room_for_calls_in_flight(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "run1", forgotten_at_once_bytes=100)
    spool.reserve(10_000)

    async def append() -> None:
        spool.forget([await spool.append_all(RECORDS)])

    asyncio.run(append())
    reserved = spool.path.stat().st_size
    spool.close(is_settled=True)

    assert reserved > 10_000


def test_an_append_that_is_not_forgotten_keeps_what_follows_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "run1", forgotten_at_once_bytes=100)

    async def append() -> None:
        await spool.append_all(RECORDS[:1])
        spool.forget([await spool.append_all(RECORDS[1:])])

    asyncio.run(append())
    spool.close(is_settled=False)

    assert read(tmp_path, spool.name) == RECORDS
