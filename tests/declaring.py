"""Task folders made of declarations: loaded, or refused with a message."""

from pathlib import Path
from typing import Any

import pytest
from scenario import declaration, write_task

from madang.errors import DeclarationError
from madang.task import Task

Attributes = dict[str, Any]


def load(folder: Path, attributes: Attributes, **files: str) -> Task:
    return Task.load(write_task(folder / "assets" / str(attributes["name"]), attributes, **files))


def refused(folder: Path, attributes: Attributes, **files: str) -> str:
    """The message with which a declaration is refused, its folder left out."""
    place = write_task(folder / "assets" / "flats", attributes, **files)
    with pytest.raises(DeclarationError) as error:
        Task.load(place)
    assert str(error.value).startswith(f"{place}/")
    return str(error.value).removeprefix(f"{place}/")


def with_field(name: str, **options: object) -> Attributes:
    return declaration(fields=declaration()["fields"] | {name: options})


def with_routes(*routes: dict[str, object]) -> Attributes:
    return declaration(models=list(routes))
