"""The house: imports go one way, heavy libraries wait until they are needed, and `platform` is still Python's own."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scenario import REPOSITORY

PLATFORM = REPOSITORY / "platform"
FOLDERS = {
    "madang": PLATFORM / "madang",
    "orchestration": PLATFORM / "orchestration",
    **{name: REPOSITORY / name for name in ("assets", "resources", "feature_repo")},
}
MAY_IMPORT = {
    "madang": {"madang"},
    "resources": {"resources", "madang"},
    "feature_repo": {"feature_repo", "madang"},
    "assets": {"assets", "resources", "feature_repo", "madang"},
    "orchestration": {"orchestration", "assets", "resources", "feature_repo", "madang"},
}
HEAVY = {"torch", "transformers", "feast", "ray", "google", "vertexai", "xllamacpp", "matplotlib"}
MODULES = sorted(file for folder in FOLDERS.values() for file in folder.rglob("*.py"))
MAX_LINES = 400


def place(file: Path) -> str:
    return str(file.relative_to(REPOSITORY))


def package(file: Path) -> str:
    return next(name for name, folder in FOLDERS.items() if folder in file.parents)


def imports(node: ast.AST) -> Iterator[str]:
    """Every module that is imported anywhere under a node."""
    for part in ast.walk(node):
        if isinstance(part, ast.Import):
            yield from (alias.name for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            yield "." * part.level + (part.module or "")


def imports_on_loading(node: ast.AST) -> Iterator[str]:
    """Every module that importing this one imports: those in functions and under TYPE_CHECKING wait."""
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(part, ast.If) and "TYPE_CHECKING" in ast.unparse(part.test):
            continue
        if isinstance(part, ast.Import | ast.ImportFrom):
            yield from imports(part)
        else:
            yield from imports_on_loading(part)


def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def python(code: str, folder: Path) -> str:
    """What a Python started in a folder prints."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_there_are_modules_to_look_at() -> None:
    assert len(MODULES) > 80


@pytest.mark.parametrize("name", FOLDERS)
def test_imports_go_one_way(name: str) -> None:
    upward = [
        f"{place(file)} imports {module}"
        for file in FOLDERS[name].rglob("*.py")
        for module in imports(parsed(file))
        if module.split(".")[0] in FOLDERS and module.split(".")[0] not in MAY_IMPORT[name]
    ]

    assert upward == []


def test_the_library_knows_neither_dagster_nor_feast() -> None:
    known = [
        f"{place(file)} imports {module}"
        for file in FOLDERS["madang"].rglob("*.py")
        for module in imports(parsed(file))
        if module.split(".")[0] in ("dagster", "feast") or module.startswith("dagster_")
    ]

    assert known == []


def test_heavy_libraries_are_imported_inside_functions() -> None:
    eager = [
        f"{place(file)} imports {module}"
        for file in MODULES
        for module in imports_on_loading(parsed(file))
        if module.split(".")[0] in HEAVY and not (package(file) == "feature_repo" and module.startswith("feast"))
    ]

    assert eager == []


def test_imports_are_absolute() -> None:
    relative = [place(file) for file in MODULES if any(module.startswith(".") for module in imports(parsed(file)))]

    assert relative == []


def test_nothing_in_platform_shadows_python_s_own() -> None:
    assert sorted(file.name for file in PLATFORM.glob("*.py")) == []
    assert not [name for name in ("__init__.py", "conftest.py") if (PLATFORM / name).exists()]


@pytest.mark.parametrize("folder", [REPOSITORY, PLATFORM.parent, PLATFORM], ids=["root", "parent", "platform"])
def test_platform_is_python_s_own(folder: Path) -> None:
    file, system = python("import platform; print(platform.__file__); print(platform.system())", folder).splitlines()

    assert Path(file) == Path(ast.__file__).parent / "platform.py"
    assert system == "Linux" or sys.platform != "linux"


def test_no_module_is_longer_than_can_be_read_at_once() -> None:
    long = [place(file) for file in MODULES if len(file.read_text(encoding="utf-8").splitlines()) > MAX_LINES]

    assert long == []


def test_every_module_opens_with_what_it_is() -> None:
    assert [place(file) for file in MODULES if not ast.get_docstring(parsed(file))] == []


def test_names_with_two_jobs_are_not_used() -> None:
    smells = ("utils", "util", "helpers", "helper", "common", "misc", "manager")

    assert [place(file) for file in MODULES if file.stem in smells] == []


def test_task_folders_are_no_packages() -> None:
    folders = [file.parent for file in (REPOSITORY / "assets").glob("*/defs.yaml")]

    assert len(folders) >= 2
    assert [folder.name for folder in folders if (folder / "__init__.py").exists()] == []


def test_help_starts_without_what_only_commands_need() -> None:
    code = (
        "import sys\nfrom madang.cli import main\nmain(['--help'], standalone_mode=False)\n"
        "heavy = {'polars', 'duckdb', 'dagster', 'pydantic', 'feast', 'sqlglot', 'rich', 'yaml'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = python(code, REPOSITORY).splitlines()

    assert shown[0] == "Usage: -c [OPTIONS] COMMAND [ARGS]..."
    assert shown[-1] == "[]"


def test_help_lists_every_command_and_exits_0() -> None:
    madang = Path(sys.executable).parent / "madang"
    done = subprocess.run([madang, "--help"], capture_output=True, text=True, check=False)
    commands = {line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line.strip()}

    assert done.returncode == 0
    assert commands >= {"check", "demo", "eval", "ingest", "plan", "release", "rollback", "run", "sql"}
