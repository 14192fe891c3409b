"""Files of posts named one by one."""

from pathlib import Path

import pytest

from madang.errors import InputError
from madang.extraction.selection import read_selection, write_selection


def test_what_is_written_is_read_each_post_once(tmp_path: Path) -> None:
    file = tmp_path / "chosen.jsonl"
    post = {"source": "town", "post_id": "p1", "confidence": 0.4}
    write_selection(file, [post, {**post, "post_id": "p2"}, post])

    assert read_selection(file).rows() == [("town", "p1"), ("town", "p2")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it names no post"),
        ("p1\n", "line 1 is not JSON"),
        ('{"source": "town", "post_id": "p1"}\n\n{"post_id": "p2"}\n', "line 3 has no source and post_id"),
        ('{"source": "town", "post_id": 7}\n', "line 1 has no source and post_id"),
    ],
)
def test_a_file_that_names_no_post_is_refused(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "chosen.jsonl"
    file.write_text(text)

    with pytest.raises(InputError, match=told):
        read_selection(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_selection(tmp_path / "chosen.jsonl")
    with pytest.raises(InputError, match="cannot be written"):
        write_selection(tmp_path / "none" / "chosen.jsonl", [])
