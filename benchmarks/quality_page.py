"""docs/quality.md as two parts that are measured apart: what the embedded default says, and what students say alone."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "quality.md"
_STUDENTS = "# Students, each alone"
_STUDENT = "## Student of "


def write_default(page: Path, lines: Sequence[str]) -> None:
    """Writes what the embedded default says; what students say stays."""
    _, students = _parts(page)
    page.write_text("\n".join(lines).rstrip() + "\n" + (f"\n{students}" if students else ""), encoding="utf-8")


def write_students(page: Path, head: Sequence[str], sections: Mapping[str, Sequence[str]]) -> None:
    """Writes what students say; those of other tasks, and what the embedded default says, stay.

    Args:
        page: The file.
        head: What must be known of all.
        sections: Lines by task.
    """
    default, students = _parts(page)
    kept = dict(re.findall(rf"^{_STUDENT}(\w+)[^\n]*\n(.*?)(?=^{_STUDENT}|\Z)", students, re.MULTILINE | re.DOTALL))
    for task, lines in sections.items():
        kept[task] = "\n".join(["", *lines, ""])
    told = "".join(f"{_STUDENT}{task}\n\n{kept[task].strip()}\n\n" for task in sorted(kept))
    opening = "\n".join([_STUDENTS, "", *head, ""])
    page.write_text(f"{default.rstrip()}\n\n{opening}\n{told.rstrip()}\n".lstrip(), encoding="utf-8")


def _parts(page: Path) -> tuple[str, str]:
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    default, mark, students = text.partition(f"{_STUDENTS}\n")
    return default, mark + students
