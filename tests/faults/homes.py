"""Two homes on one warehouse: each runs the shipped command line with claims, spool and a model's log of its own."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from faults.shipped import MADANG, Ended, Life
from scenario import Project, make_project, open_quickly, write_posts

from madang.posts.landing import land
from madang.posts.reading import ColumnMap, read_posts
from madang.warehouse.ducklake import DuckLakeWarehouse


@dataclass(frozen=True)
class Home:
    """A home whose warehouse lies elsewhere.

    Args:
        project: Its project.
        warehouse: Folder of the warehouse.
        lease_seconds: Length of its leases.
    """

    project: Project
    warehouse: Path
    lease_seconds: int

    def start(self, *arguments: str, **options: str | float) -> Life:
        """Starts `madang …`; the options are the scripted model's."""
        return Life([str(MADANG), *arguments], self.environment(**options))

    def run(self, *arguments: str, **options: str | float) -> Ended:
        """Runs `madang …` to its end."""
        with self.start(*arguments, **options) as life:
            return life.end()

    def environment(self, **options: str | float) -> dict[str, str]:
        """Environment of a process of this home."""
        config = self.project.folder / "shared.toml"
        options = {"log": str(self.project.folder / "requests.log")} | options
        config.write_text(
            f"[tool.madang]\nwarehouse = {json.dumps(str(self.warehouse))}\nlease_seconds = {self.lease_seconds}\n"
            '[tool.madang.models.local]\nlane = "online"\nfactory = "fakes:ScriptedModel"\n'
            'identity = "scripted-local"\nconcurrency = 2\n[tool.madang.models.local.options]\n'
            + "".join(f"{name} = {json.dumps(value)}\n" for name, value in options.items())
        )
        return self.project.environment | {"MADANG_CONFIG": str(config)}

    @property
    def identity(self) -> str:
        """As ops.leases names it."""
        return (self.project.home / "home.id").read_text()


@dataclass(frozen=True)
class Homes:
    """Two homes, called one and two.

    Args:
        folder: Where both and the warehouse lie.
        lease_seconds: Length of their leases.
    """

    folder: Path
    lease_seconds: int

    @cached_property
    def one(self) -> Home:
        return self._home("one")

    @cached_property
    def two(self) -> Home:
        return self._home("two")

    @cached_property
    def warehouse(self) -> DuckLakeWarehouse:
        return open_quickly(self.folder / "warehouse")

    def _home(self, name: str) -> Home:
        return Home(make_project(self.folder / name, ("meetups",)), self.folder / "warehouse", self.lease_seconds)

    def ingest(self, *rows: Mapping[str, object]) -> None:
        """Lands posts in the warehouse."""
        file = write_posts(self.folder / "posts.jsonl", rows)
        land(self.warehouse, self.one.project.settings, [read_posts(file, ColumnMap())])

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return self.warehouse.read(sql, list(parameters)).rows()

    def sent(self) -> Counter[str]:
        """How often the models of both homes together have received each request."""
        return Counter(self.one.project.sent() + self.two.project.sent())
