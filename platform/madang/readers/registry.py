"""Readers by the names that tasks use: ours are modules of this package, a project's own are declared with the task.

A reader's name, version and keys are checked when definitions load, so that a run meets no surprise.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from madang.extraction.grounding import PostText
from madang.readers.found import Found, FoundMention, FoundValue, Reader

_OWN_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ReaderError(ValueError):
    """A declared reader is not there, or is no reader."""


class ReaderFailed(Exception):
    """A reader raised on a post, or gave what it must not give. Says which reader and the kind of error, no text."""

    failure = "reader_error"


@dataclass(frozen=True)
class NamedReader:
    """A reader and what is known of it.

    Args:
        name: By which tasks know it.
        version: Raised by its author when it finds other values.
        keys: What it may find, each with the kind of the fields that may take it.
    """

    name: str
    version: int
    keys: Mapping[str, str]
    _read: Reader

    def read(self, text: PostText) -> Mapping[str, Found]:
        """Everything that it finds in a post.

        Raises:
            ReaderFailed: It raised, named a key that it does not have, or a place that is not in the text.
        """
        try:
            found = self._read(text)
            for key, one in found.items():
                if key not in self.keys:
                    raise KeyError(key)
                of_mentions = [item.span for item in _items(one.value) if isinstance(item, FoundMention)]
                for span in (*one.spans, *of_mentions):
                    if not 0 <= span.start < span.end <= len(text.parts[span.field]):
                        raise IndexError(key)
        except Exception as error:  # a reader is somebody's code: whatever one post does to it must not end a run over
            # a million others. One that is bad for every post shows as that: all in quarantine, under its name.
            raise ReaderFailed(f"reader {self.name} raised {type(error).__name__}") from error
        return found


def _items(value: FoundValue) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else ()


def find_reader(name: str, declared: Mapping[str, str]) -> NamedReader:
    """Finds a reader.

    Args:
        name: By which a field names it.
        declared: The task's own readers, `module:function` by name.

    Raises:
        ReaderError: There is none, or its module lacks VERSION, KEYS or the function.
    """
    if name not in declared and _OWN_NAME.fullmatch(name) is None:
        raise ReaderError(f"{name!r} is not a reader's name")
    path = declared.get(name, f"madang.readers.{name}:read")
    module_name, _, function = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a module may raise anything as it is imported, and spoils its task and no other
        raise ReaderError(f"module {module_name!r} does not import ({type(error).__name__}: {error})") from error
    read, version, keys = (getattr(module, attribute, None) for attribute in (function or "read", "VERSION", "KEYS"))
    if not callable(read):
        raise ReaderError(f"module {module_name!r} has no function {function or 'read'!r}")
    if not isinstance(version, int) or not isinstance(keys, Mapping):
        raise ReaderError(f"module {module_name!r} lacks VERSION (a number) or KEYS (kind of field by key)")
    return NamedReader(name, version, dict(keys), read)
