"""The byte search by which erasure is judged: written apart from the one that the command itself makes."""

import json
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq


def holding(home: Path, *words: str) -> set[str]:
    """Files under a home that hold one of the words: in their bytes, or in a column of theirs if they are Parquet."""
    forms = {unicodedata.normalize(form, word) for form in ("NFC", "NFD") for word in words}
    needles = {form.encode() for form in forms} | {json.dumps(form)[1:-1].encode() for form in forms}
    found = set()
    for path in home.rglob("*"):
        if not path.is_file():
            continue
        data = path.read_bytes()
        if path.suffix in (".parquet", ".draft") and data:
            data += json.dumps(pq.ParquetFile(path).read().to_pylist(), ensure_ascii=False, default=str).encode()
        if any(needle in data for needle in needles):
            name = path.relative_to(home)
            found.add(str(name.parent if "data" in name.parts else name).removesuffix("-wal"))
    return found
