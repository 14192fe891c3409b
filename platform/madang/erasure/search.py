"""Looks for a post's text byte by byte, after it was erased: the receipt says what was found, not what was meant.

A piece that another post holds too is not looked for. Text in Parquet is compressed, so its columns are read.
"""

import json
import mmap
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from madang.warehouse.protocol import Warehouse

# Shorter lines stand in posts of other people by chance; longer ones would be torn by the pages of a file.
_LEAST_CHARS = 8
_MOST_CHARS = 40
_MOST_PIECES = 8


def pieces_of(texts: Iterable[str]) -> list[str]:
    """Pieces by which texts can be known: the beginnings of their lines, the longest first."""
    lines = {line.strip()[:_MOST_CHARS] for text in texts for line in re.split(r"[\r\n]+", text)}
    return sorted((line for line in lines if len(line) >= _LEAST_CHARS), key=len, reverse=True)[:_MOST_PIECES]


def of_no_other(warehouse: Warehouse, pieces: Collection[str]) -> list[str]:
    """Those of the pieces that stand in no landed post."""
    wanted = pl.DataFrame({"piece": list(pieces)}, schema={"piece": pl.String()})
    found = warehouse.read(
        "SELECT piece FROM pieces WHERE NOT EXISTS (SELECT 1 FROM raw.posts p "
        "WHERE contains(p.title, piece) OR contains(p.body, piece))",
        frames={"pieces": wanted},
    )
    return found["piece"].to_list()


def files_with(folder: Path, pieces: Collection[str]) -> tuple[list[Path], int]:
    """Files under a folder that hold one of the pieces, as UTF-8 in any normal form or as escaped JSON.

    Returns:
        The files, and how many were looked at.
    """
    wanted = sorted({form for piece in pieces for form in _forms(piece)})
    pattern = re.compile(b"|".join(map(re.escape, wanted)))
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
    return [path for path in files if wanted and any(pattern.search(part) for part in _parts(path))], len(files)


def lines_with(file: Path, source: str, post_id: str, pieces: Collection[str]) -> int:
    """How many lines of a file of JSON lines bear a post's name, or hold one of the pieces."""
    found = 0
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            row = None
        is_named = isinstance(row, dict) and (str(row.get("post_id")), row.get("source", source)) == (post_id, source)
        text = json.dumps(row, ensure_ascii=False) if row is not None else line
        found += is_named or any(json.dumps(piece, ensure_ascii=False)[1:-1] in text for piece in pieces)
    return found


def _forms(piece: str) -> Iterator[bytes]:
    for form in (piece, unicodedata.normalize("NFC", piece), unicodedata.normalize("NFD", piece)):
        yield form.encode()
        yield json.dumps(form, ensure_ascii=False)[1:-1].encode()
        yield json.dumps(form)[1:-1].encode()


def _parts(path: Path) -> Iterator[bytes | mmap.mmap]:
    """A file's bytes, and the text of each column if it is Parquet."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data
        is_parquet = data[:4] == data[-4:] == b"PAR1"
    if is_parquet:
        with pq.ParquetFile(path) as table:
            for batch in table.iter_batches():
                for column in batch.columns:  # with the buffers of what is nested in it
                    yield from (buffer.to_pybytes() for buffer in column.buffers() if buffer is not None)
