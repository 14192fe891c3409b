"""What the classifiers of a mention's sense see: whether its author tells of it, or names it only to say where.

Korean. A mention is judged by its neighbours, the clause that it stands in, and what the post is about.
"""

import re
from collections.abc import Iterator, Sequence

from madang.readers.hashed_linear import place_of
from madang.readers.place_candidates import Candidate, Word
from madang.readers.place_features import kind_of, name_kind, stem_of
from madang.readers.place_spans import PlaceSpan
from madang.readers.post_cues import post_cues

_CLAUSE_END = re.compile(r"[.!?\n~…]+")


def sense_features(mention: PlaceSpan, post: str, others: int) -> list[int]:
    """Features of one mention.

    Args:
        mention: It, in a Korean post.
        post: All columns, in lower case.
        others: How many other mentions the post has.
    """
    column = mention.column
    names = _names(column.words, mention.candidate, column.text, post, others)
    return [*column.features.of(mention.candidate), *(place_of(f"sense {name}") for name in names)]


def _names(words: Sequence[Word], candidate: Candidate, text: str, post: str, others: int) -> Iterator[str]:
    name = text[candidate.start : candidate.end]
    kind = name_kind(name)
    is_station = name.endswith("역")
    start = max((found.end() for found in _CLAUSE_END.finditer(text, 0, candidate.start)), default=0)
    following = _CLAUSE_END.search(text, candidate.end)
    clause = text[start : following.end() if following else len(text)]
    after = text[candidate.end : following.end() if following else len(text)]
    cues = [cue for cue, pattern in post_cues().korean.items() if pattern.search(post)]
    near = [cue for cue, pattern in post_cues().korean.items() if pattern.search(clause)]
    yield f"others {min(others, 3)} {is_station}"
    for cue in cues:
        yield f"post {cue}"
        yield f"post {cue} {kind_of(name)}"
    for cue in near:
        yield f"clause {cue}"
        yield f"clause {cue} {kind.split(' ')[0]}"
    for cue, pattern in post_cues().korean.items():
        if pattern.search(after):
            yield f"after {cue}"
    told = any(cue in cues for cue in ("went", "tasty", "good", "bad", "recommend", "review"))
    yield f"told {told} asked {'ask' in cues} {is_station}"
    yield f"told here {any(cue in near for cue in ('went', 'tasty', 'good', 'bad', 'recommend'))} {'ask' in near}"
    yield f"words {min(len(post) // 60, 6)}"
    for word in words[candidate.last + 1 : candidate.last + 5]:
        yield f"w {stem_of(word.text)}"
    for word in words[max(0, candidate.first - 3) : candidate.first]:
        yield f"v {stem_of(word.text)}"
