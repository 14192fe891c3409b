"""Loads the `assets` package so that a folder whose defs.yaml cannot even be read becomes a refused task too.

Dagster builds the declarations of all folders before any component, and one that raises stops the location; so the
folders are declared one by one here. The only module that reaches into Dagster's private modules (1.13.27).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._utils.warnings import suppress_dagster_warnings
from dagster.components.core.component_tree import ComponentTree
from dagster.components.core.decl import (
    ComponentDecl,
    ComponentLoaderDecl,
    DefsFolderDecl,
    build_filesystem_component_decl_from_context,
)
from dagster.components.core.defs_module import ComponentPath
from dagster_shared.check import CheckError
from pydantic import ValidationError
from yaml import YAMLError

from madang.errors import DeclarationError
from madang.task import Task
from orchestration.task_definitions import refused_task


@dataclass(frozen=True)
class UnreadableTask(dg.Component):
    """A folder whose defs.yaml is no component."""

    folder: str
    error: DeclarationError

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The refused asset."""
        return refused_task(self.folder, self.error)


class TaskTree(ComponentTree):
    """Dagster's own tree, with its folders declared one by one."""

    def _get_filesystem_decl(self) -> ComponentDecl[Any]:
        root = ComponentPath.from_path(self.defs_module_path)
        known = self.state_tracker.get_cache_data(root).component_decl
        if known is not None:
            return known
        context = self.decl_load_context.for_component_loc(root)
        children = {}
        for path in sorted(self.defs_module_path.iterdir()):
            if path.name.startswith((".", "__pycache__")):
                continue
            try:
                declared = build_filesystem_component_decl_from_context(
                    context.for_component_loc(ComponentPath.from_path(path))
                )
            except (YAMLError, ValidationError, CheckError, dg.DagsterError, ImportError, AttributeError) as error:
                if path.is_file():
                    raise
                declared = _unreadable(context, path, error)
            if declared is not None:
                children[path] = declared
        tree = DefsFolderDecl(context=context, loc=root, children=children, source_tree=None, component_file_model=None)
        self.state_tracker.set_cache_data(root, component_decl=tree)
        return tree


def _unreadable(context: object, path: Path, error: Exception) -> ComponentLoaderDecl:
    task = UnreadableTask(path.name, _refusal(path, error))
    # The instance key keeps it apart from the folder's own place in the tree.
    own = ComponentPath.from_path(path, "refused")
    return ComponentLoaderDecl(
        context=context.for_component_loc(own), loc=own, component_node_fn=lambda _: task  # type: ignore[attr-defined]
    )  # fmt: skip


def _refusal(path: Path, error: Exception) -> DeclarationError:
    """What `madang check` says of a folder; Dagster's own reason where madang finds nothing wrong."""
    try:
        Task.load(path)
    except DeclarationError as refusal:
        return refusal
    reason = " ".join(str(error).split())[:400]
    return DeclarationError(path / "defs.yaml", f"not a component ({reason})", "Correct it")


@suppress_dagster_warnings
def load_task_tree(root: Path) -> dg.Definitions:
    """`dg.load_from_defs_folder`, but for the tree above."""
    return TaskTree.for_project(root).build_defs()
