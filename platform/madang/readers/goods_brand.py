"""Brands that a post names, out of the approved vocabulary.

A name that the vocabulary lacks is still a brand's where brands stand: first in the title, before the product. It is
quoted, and gets no canonical name until a person approves it.
A brand of another thing (삼성페이, LG U+, 신세계 강남점) is none of this one; a name that is a common word too
(브라운, 시스템) counts only where a brand stands: first in the title.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from madang.extraction.grounding import Span
from madang.readers.goods_looks import COLOR
from madang.readers.goods_words import Brand, Hit, vocabulary
from madang.readers.phone_models import phones_in

_BODY_CHARS = 260
_THING_CHARS = 16
_HANGUL = re.compile(r"[가-힣]")
# After a brand's name: what makes it another thing.
_OTHER_AFTER = re.compile(
    r"\s?(?:페이|동(?![가-힣])|역(?![가-힣])|케어|서비스|스토어|케플|카드(?!지갑|케이스)|화재|생명|디지털[플프]라자|센터|"
    r"강남|본점|백화점|"
    r"아울렛|"
    r"u\+?(?![a-z])|유플|전용|통신|용(?![가-힣])|텔레콤|뮤직|라이트|정품\s?(?:충전|케이블)|샵|매장|에서|숍|편의점|"
    r"반값|택배|\s?(?:점|앞)(?![가-힣]))"
)
_OTHER_BEFORE = re.compile(r"(?:skt?|kt|통신사|유플러스|호환|스타일|느낌|풍|같은|말고|보다)[\s,/]*$")
_LEAD = re.compile(
    r"^\s*(?:[\[(<【][^\])>】]{0,24}[\])>】]\s*|[^가-힣a-z0-9]+|(?:정품|새상품|새제품|미개봉|미사용|급처|급매|여성|"
    r"남성|여자|남자|명품|빈티지|중고|국내|해외)\s+)*"
)


_NAME = re.compile(r"([가-힣]{3,8}|[a-z][a-z&'.-]{3,})(?=\s)")
# Plants, books, games, food and pets begin with what they are, or with a title of a work.
_NAMED_AFTER = frozenset(
    [
        "womens_clothing"
    ,
        "mens_fashion"
    ,
        "womens_accessories"
    ,
        "kids"
    ,
        "beauty"
    ,
        "digital"
    ,
        "sports_leisure"
    ,
        "home_kitchen"
    ,
     "appliance", "furniture", "health_supplement", "ticket_voucher", "car_parts"]
)  # fmt: skip
# What begins titles and is no brand: a use, a make, a season, a character.
_NO_NAME = re.compile(
    r".*(?:용|형|식|색|급|인|한|난|된|있는|없는|스런|스러운|무늬|패턴|소재|체크|스트라이프|프린트|자수|레터링)$|"
    r".*(?:팝니다|팔아요|판매|나눔|구해요|삽니다)|대리석|스테인.*|가성비|고반발|고성능|고급형|보급형|중소기업|"
    r"대기업|업소|사무실|매장|오늘.*|내일.*|이번주.*|주말.*|평일.*|서울|부산|대전|제주도?|오사카|도쿄|후쿠오카|"
    r"방콕|다낭|유럽|콘서트|뮤지컬|영화|컴퓨터|데스크탑|게이밍|"
    r"겨울왕국|디즈니|푸바오|미키마우스|헬로키티|스누피|도라에몽|스파이더맨|마블|포로로|기본|반품|택포|한정판|"
    r"콜라보|리미티드|사이즈|빅사이즈|오버핏|루즈핏|슬림핏|"
    r"봄가을|간절기|가을|겨울|여름|여름용|한여름|시원한|따뜻한|예쁜|이쁜|귀여운|고급|고급진|수제|핸드메이드|신상|"
    r"최신|인기|대형|소형|초경량|경량|발목|목폴라|반목|터틀넥|브이넥|라운드|"
    r"카라|배색|포켓|밴딩|와플|꽈배기|케이블|앙고라|알파카|캐시미어|코듀로이|골덴|쉬폰|시스루|레이스|벨벳|스웨이드|"
    r"페이크|인조|천연|오리지널|레트로|클래식|심플|데일리|"
    r"size|vintage|brand|authentic|genuine|rare|mens|womens|custom|official|original|distressed|washed|japanese|"
    r"italian|american|designer|used|sale|cool|nice|beautiful|with|this|like|luxury|archive|leather|cotton|wool|"
    r"denim|graphic|floral|striped|plaid"
)


@dataclass(frozen=True)
class BrandHit:
    """A brand where a post names it.

    Args:
        brand: The brand.
        part: Name of the column.
        start: First character.
        end: One past the last.
    """

    brand: Brand
    part: str
    start: int
    end: int

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.part, self.start, self.end)


def brands_in(parts: Mapping[str, str]) -> list[BrandHit]:
    """Brands that a post names, in order, the title first.

    Args:
        parts: Columns in lower case, the title first.
    """
    words = vocabulary()
    found = []
    for at, (name, part) in enumerate(parts.items()):
        text = part if at == 0 else part[:_BODY_CHARS]
        lead = _LEAD.match(text)
        start = lead.end() if lead else 0
        for hit in words.brand_words.hits(text, is_title=at == 0):
            brand = words.brands[hit.word]
            if _is_other_thing(text, hit) or (brand.is_word and not (at == 0 and hit.start <= start)):
                continue
            if at == 0 or hit.start <= start or _begins_thing(text, hit):
                found.append(BrandHit(brand, name, hit.start, hit.end))
    return found


def _begins_thing(text: str, hit: Hit) -> bool:
    """Whether the thing itself follows (애플 아이패드): in running text other brands' names stand about too."""
    rest = text[hit.end : hit.end + _THING_CHARS].lstrip()
    things = vocabulary().product_words.hits(rest, is_title=True)
    return (bool(things) and things[0].start == 0) or any(phone.start == 0 for phone in phones_in(rest))


def unknown_brand(parts: Mapping[str, str], category: str | None) -> Span | None:
    """Where a brand's name stands that the vocabulary lacks; None if the title does not begin with one.

    Args:
        parts: Columns in lower case, the title first.
        category: What is sold.
    """
    name, title = next(iter(parts.items()))
    lead = _LEAD.match(title)
    match = _NAME.match(title, lead.end() if lead else 0)
    if category not in _NAMED_AFTER or match is None or _NO_NAME.fullmatch(match.group()):
        return None
    words, word = vocabulary(), match.group()
    if words.product_words.hits(word, is_title=True) or words.wearer_words.hits(word, is_title=True):
        return None
    if COLOR.search(word) or not words.product_words.hits(title[match.end() :], is_title=True):
        return None
    return Span(name, match.start(), match.end())


def _is_other_thing(text: str, hit: Hit) -> bool:
    if _HANGUL.match(text[hit.start]) and _HANGUL.match(text[hit.start - 1 : hit.start] or " "):
        return True
    return (
        _OTHER_AFTER.match(text, hit.end) is not None
        or _OTHER_BEFORE.search(text[max(0, hit.start - 8) : hit.start]) is not None
    )
