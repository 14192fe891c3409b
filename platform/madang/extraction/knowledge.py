"""Knowledge that a post's own words call up: entries of a file whose keys stand in it.

It is shown in the post's own turn, as a value of the template and never a part of it, so that a post chooses among
entries that the project wrote and can add none.
"""

import hashlib
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from madang.errors import DeclarationError

# Raise it when the same post calls up other entries.
KNOWLEDGE_VERSION = 1
# A single character stands in half of all posts.
_LEAST_CHARS = 2


class Entry(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str = Field(min_length=1, description="What is shown")
    keys: tuple[str, ...] = Field(min_length=1, description="Words that call it up; case and spaces do not matter")

    @field_validator("keys")
    @classmethod
    def _long_enough(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        short = [key for key in keys if len(_Folded(key).text) < _LEAST_CHARS]
        if short:
            raise ValueError(f"key {short[0]!r} has less than {_LEAST_CHARS} characters; most posts would call it up")
        return keys


class Knowledge:
    """The entries of one file.

    Args:
        entries: In the order of the file.
        most: Most entries that a post calls up.
    """

    def __init__(self, entries: Iterable[Entry], most: int) -> None:
        self._entries, self.most = tuple(entries), most
        self._by_start: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        for index, entry in enumerate(self._entries):
            for key in dict.fromkeys(_Folded(key).text for key in entry.keys):
                self._by_start[key[:_LEAST_CHARS]].append((key, index))

    @classmethod
    def load(cls, file: Path, most: int) -> "Knowledge":
        """Reads a file of JSON lines {text, keys}.

        Raises:
            DeclarationError: A line is no entry; the message names it.
        """
        entries = []
        try:
            lines = file.read_text(encoding="utf-8").split("\n")  # splitlines would cut at a U+2028 in a text
        except UnicodeDecodeError as error:
            raise DeclarationError(file, "not UTF-8", "Save it as UTF-8") from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                entries.append(Entry.model_validate(json.loads(line)))
            except (ValueError, RecursionError) as error:
                reason = " ".join(str(error).split())[:200]
                raise DeclarationError(f"{file}:{number}", f"not an entry ({reason})", "Write {text, keys}") from error
        return cls(entries, most)

    @property
    def digest(self) -> str:
        """SHA-256 of the entries."""
        plain = [[entry.text, *entry.keys] for entry in self._entries]
        return hashlib.sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()

    def __len__(self) -> int:
        """Entries."""
        return len(self._entries)

    def of(self, texts: Iterable[str]) -> tuple[str, ...]:
        """What the texts of one post call up: those of the longest keys first, then in the order of the file."""
        longest: dict[int, int] = {}
        for folded in map(_Folded, texts):
            for start in range(len(folded.text) - _LEAST_CHARS + 1):
                for key, index in self._by_start.get(folded.text[start : start + _LEAST_CHARS], ()):
                    if len(key) > longest.get(index, 0) and folded.holds(key, start):
                        longest[index] = len(key)
        found = sorted(longest, key=lambda index: (-longest[index], index))
        return tuple(self._entries[index].text for index in found[: self.most])


class _Folded:
    """A text after NFKC and case folding, without its white space, which Korean sets at will.

    Args:
        text: The text.
    """

    def __init__(self, text: str) -> None:
        words = unicodedata.normalize("NFKC", text).casefold().split()
        self.text = "".join(words)
        self._starts, length = {0}, 0
        for word in words:
            length += len(word)
            self._starts.add(length)

    def holds(self, key: str, start: int) -> bool:
        """Whether a key stands at a place, cut neither out of a word in Latin letters nor out of a number."""
        return self.text.startswith(key, start) and self._is_bound(start) and self._is_bound(start + len(key))

    def _is_bound(self, place: int) -> bool:
        """Whether a Latin word or a number does not go on over a place. A particle may follow both: LG의, 13은."""
        if place in self._starts:
            return True
        before, after = self.text[place - 1 : place], self.text[place : place + 1]
        return not any(_is_of(before) and _is_of(after) for _is_of in (_is_latin, str.isdigit))


def _is_latin(char: str) -> bool:
    return char.isalpha() and unicodedata.name(char, "").startswith("LATIN")
