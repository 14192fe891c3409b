"""A project whose task `market` asks a student, taught once and copied; and what befalls the processes it reads in."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sales import MARKET, sale, write_sales
from scenario import TESTS, Project, make_project, write_task

from madang.distillation.dataset import LabelFile
from madang.distillation.distil import distil

FIRST = 5_000  # of the posts that the student has not read
# Runs in every Python of the test's: alters those that are named in its command line.
_BEFALLEN = """
import sys
if any({process!r} in word for word in sys.orig_argv):
    import os, signal, time
    from madang.distillation.student import Student
    says = Student.says
    def befallen(self, turns):
{body}
        return says(self, turns)
    Student.says = befallen
"""


@dataclass(frozen=True)
class School:
    """A student in a folder of its own.

    Args:
        folder: Its home.
    """

    folder: Path

    @classmethod
    def taught(cls, folder: Path) -> "School":
        """Teaches it."""
        project = _market(folder / "school")
        posts, answers = write_sales(folder / "labels", 400)
        distil(project.task(), project.settings, [LabelFile(answers, posts, "teacher")])
        return cls(project.home / "students")

    def project(self, folder: Path, count: int, **student: Any) -> Project:
        """A project with so many posts, which the student answers all."""
        project = _market(folder)
        shutil.copytree(self.folder, project.home / "students")
        project.edit("market", lambda task: task.update(models=[{"use": "small", "max_tokens": 96}]))
        lines = ["[tool.madang.models.small]", 'lane = "student"', 'student = "market"', 'answers = "all"']
        lines += [f"{name} = {value!r}" for name, value in student.items()]
        with (folder / "madang.toml").open("a") as file:
            file.write("\n".join(lines) + "\n")
        project.ingest(*(sale(number)[0] for number in range(FIRST, FIRST + count)))
        return project


def answers(project: Project) -> list[tuple[Any, ...]]:
    """What the rows say, evidence and confidence too, by post."""
    return project.rows(
        "SELECT a.* EXCLUDE (extracted_at), (SELECT list(m.text ORDER BY ordinal) FROM attributes.market__shops m "
        "WHERE m.post_id = a.post_id) FROM attributes.market a ORDER BY post_id"
    )


def befall(folder: Path, process: str, *lines: str) -> str:
    """A PYTHONPATH under which a process runs some lines before its student says anything.

    Args:
        folder: Where the module is written that does it.
        process: A word of the process's command line.
        lines: May use `turns`; `says` follows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    body = "\n".join(f"        {line}" for line in lines)
    (folder / "sitecustomize.py").write_text(_BEFALLEN.format(process=process, body=body), encoding="utf-8")
    return f"{folder}:{TESTS}"


def _market(folder: Path) -> Project:
    make_project(folder)
    write_task(folder / "assets" / "market", MARKET)
    return Project(folder, "market")
