"""Hashtags that a post suggests: the places it is about, the tags its author wrote, topics that its words name.

None is invented: each stands in the post. Shown with a # and without spaces.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from madang.extraction.grounding import Span
from madang.readers.found import FoundMention

MAX_TAGS = 10
MAX_CHARS = 24
_WRITTEN = re.compile(r"#\s?([가-힣a-z0-9_]{2,24})")
# Korean words stand whole or before a particle, not inside others; English ones between word boundaries.
_TOPIC = re.compile(
    r"(?<![가-힣])(?:맛집|카페|빵집|베이커리|디저트|커피|붕어빵|호떡|타코야끼|떡볶이|순대|국밥|칼국수|김밥|초밥|치킨|피자|삼겹살|족발|곱창|마라탕|양꼬치|"
    r"미용실|네일|왁싱|피부과|치과|한의원|정형외과|이비인후과|소아과|안과|산부인과|동물병원|약국|헬스장|필라테스|요가|수영|러닝|런닝|등산|배드민턴|테니스|"
    r"축구|풋살|농구|클라이밍|볼링|골프|산책|캠핑|도서관|독서|스터디|학원|어린이집|유치원|육아|고양이|강아지|반려견|반려묘|길냥이|분실물|분실|"
    r"이사|입주청소|인테리어|세탁소|수선|주차|월주차|정전|단수|첫눈|폭설|눈사람|단풍|야경|노을|벚꽃|축제|전시|공연|영화|봉사|벼룩시장|플리마켓|나눔)"
    r"(?=[^가-힣]|(?:이나|에서|으로|까지|이랑|하고|은|는|이|가|을|를|도|의|에|로|랑|와|과|만)(?![가-힣])|$)"
    r"|\b(?:coffee|brunch|bakery|pizza|ramen|tacos|haircut|dentist|vet|yoga|pilates|gym|running|hiking|climbing|tennis|swimming|camping|"
    r"library|reading|study|parking|snow|sunset|festival|exhibition|concert|film|wildfires?|earthquake|hurricane|floods?|cyclone|relief|"
    r"volunteers?|donations?|kittens?|puppy|cats?|dogs?)\b"
)


def hashtags_of(mentions: Sequence[FoundMention], parts: Mapping[str, str]) -> list[FoundMention]:
    """At most ten hashtags, each with its `origin`: place (not named for its direction only), written or topic.

    Args:
        mentions: Places of the post.
        parts: Its text columns, in lower case.
    """
    found: dict[str, FoundMention] = {}
    for span, origin in _suggested(mentions, parts):
        tag = "".join(parts[span.field][span.start : span.end].split())
        if 2 <= len(tag) <= MAX_CHARS:
            found.setdefault(tag, FoundMention(span, {"origin": origin}))
    return list(found.values())[:MAX_TAGS]


def _suggested(mentions: Sequence[FoundMention], parts: Mapping[str, str]) -> Iterator[tuple[Span, str]]:
    for mention in mentions:
        if mention.values["direction_only"] is False:
            yield mention.span, "place"
    for origin, pattern, group in (("written", _WRITTEN, 1), ("topic", _TOPIC, 0)):
        for name, part in parts.items():
            for match in pattern.finditer(part):
                yield Span(name, match.start(group), match.end(group)), origin
