"""Where a Korean place name may stand: runs of words, with what a last word carries after the name cut off.

Names begin where a word begins and end where one ends or a particle, a locating word or an exit follows; of the 560
mentions in posts labelled for training all but 3 do.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from madang.readers.place_lexicon import korean_lexicon

MAX_WORDS = 4
MAX_CHARS = 28
_WORD = re.compile(r"[가-힣ㄱ-ㅎㅏ-ㅣa-z0-9]+(?:[&@·][가-힣a-z0-9]+|(?<=[a-z0-9])['’.\-](?=[a-z0-9])[가-힣a-z0-9]+|@)*")
_URL = re.compile(r"https?://\S+|www\.\S+")
# 강북구청까지가야: what follows without a space.
_RUN_ON = re.compile(r"(?:에서|까지|부터|근처|인근|부근|앞에|옆에|쪽에|북단|남단)")
_EXIT = re.compile(r"\d{1,2}(?:번|번출구.{0,2}|호선)$")


@dataclass(frozen=True)
class Word:
    """A word of a text.

    Args:
        text: As it stands, folded.
        start: First character.
        end: One past the last.
        before: What stands between it and the word before, or the text's begin.
        tails: Lengths of what may follow a name at its end, 0 among them.
    """

    text: str
    start: int
    end: int
    before: str
    tails: tuple[int, ...]


@dataclass(frozen=True)
class Candidate:
    """A stretch that may be a name.

    Args:
        first: Index of its first word.
        last: Index of its last word.
        tail: Characters of the last word that are not of the name.
        start: First character.
        end: One past the last.
    """

    first: int
    last: int
    tail: int
    start: int
    end: int


def words_of(text: str) -> list[Word]:
    """The words of a folded text; addresses of web pages are none."""
    text = _URL.sub(lambda found: " " * len(found.group()), text)
    words: list[Word] = []
    end = 0
    for found in _WORD.finditer(text):
        words.append(Word(found.group(), found.start(), found.end(), text[end : found.start()], _tails(found.group())))
        end = found.end()
    return words


def candidates_of(words: list[Word]) -> Iterator[Candidate]:
    """Every stretch of words that may be a name, by where it begins."""
    for first, word in enumerate(words):
        for last in range(first, min(first + MAX_WORDS, len(words))):
            if last > first and words[last].before.strip(" ") != "":
                break
            ending = words[last]
            if ending.end - word.start > MAX_CHARS + 8:
                break
            for tail in ending.tails:
                if 2 <= ending.end - tail - word.start <= MAX_CHARS:
                    yield Candidate(first, last, tail, word.start, ending.end - tail)


@lru_cache(maxsize=20_000)
def _tails(word: str) -> tuple[int, ...]:
    """Lengths of what may be cut off a word's end, each leaving something."""
    lexicon = korean_lexicon()
    tails = [0]
    for cut in range(1, min(len(word), 12)):
        tail = word[len(word) - cut :]
        if tail in lexicon.particles or _is_locating(tail) or _RUN_ON.match(tail) or _EXIT.match(tail):
            tails.append(cut)
    return tuple(tails)


@lru_cache(maxsize=20_000)
def _is_locating(tail: str) -> bool:
    lexicon = korean_lexicon()
    return any(tail[:cut] in lexicon.locating and (cut == len(tail) or tail[cut:] in lexicon.particles)
               for cut in range(1, len(tail) + 1))  # fmt: skip
