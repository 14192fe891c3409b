"""Who a group is for and what it does: topics, ages, gender, whether it recruits, whether it meets regularly."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from madang.extraction.grounding import PostText, Span
from madang.readers.ages import ages_in, in_order, is_of_members, seeks_peers, takes_any_age
from madang.readers.folded import FoldedPost
from madang.readers.found import Found
from madang.readers.group_topics import topics_in

# Raise it when values change.
VERSION = 1
KEYS = {"is_recruiting": "flag", "topics": "labels", "age_bands": "labels", "gender": "label", "recurring": "flag"}
# Shares of values that were right on posts that had no part in writing the rules.
_CONFIDENCE = {"is_recruiting": 0.95, "topics": 0.8, "age_bands": 0.85, "gender": 0.97, "recurring": 0.75}

_MOST_TOPICS = 3

# Any gender, said of gender; and anyone at all, which a wish for one gender overrules.
_ANY_GENDER = re.compile(
    r"성별[^.!?\n]{0,12}(?:상관|무관|불문|관계\s*없|없음|구분|없이|안\s?(?:따|가|물|봐|봅))|남녀\s*(?:노소|무관|상관|구분|불문|모두|누구|다\s|환영|성비|만\b|안\s?가)|"
    r"성별\s?아무|남자든\s?여자든|여자든\s?남자든|"
    r"(?:남\s?[,/·]?\s?여|남자\s?여자|여자\s?남자|남성\s?[,/·]?\s?여성|여성\s?[,/·]?\s?남성)\s*(?:분)?\s*(?:모두|다|무관|상관|둘\s?다|환영|불문)|"
    r"혼성|(?:men and women|all genders?|any gender|coed|co-ed)",
    re.IGNORECASE,
)
_ANYONE = re.compile(
    r"누구나|누구든|아무나|(?:anyone|everyone|everybody)(?:\s\w+){0,3}\s(?:welcome|can join|may join)|"
    r"open to (?:all|everyone)",
    re.IGNORECASE,
)
_SOUGHT = (
    r"\s*[!~♥❤️)]*\s*(?:분|회원|멤버|만\b|만\s|만요|사람만|친구\s?(?:한|구|찾|만|분|를|들|하|였|면|두)|동친|"
    r"전용|모임|팀|밴드|크루|풋살|축구|러닝|농구|동호회|반\b|반\s|였|이었|이셨|이면|면\s좋|면\s?좋|사친\s?(?:구|만|찾))"
)
_FEMALE = re.compile(
    rf"(?:여자|여성|여)(?:사람)?{_SOUGHT}|여자?\s?(?:두|한|세|\d)\s?(?:분|명\s?(?:더|필요|구|모집))|\(여자?\)|여성\s*(?:분)?\s*(?:모집|환영|대상|구해|"
    rf"구합|찾)|여성!+분|언니들?\s*(?:구|모집)|"
    r"육아맘|엄마들|아기\s?엄마|맘들|여사친\s*(?:구|만|찾)|\b(?:women|girls|ladies|female)(?:'s)?[\s-]*(?:only|group|club|team|members)",
    re.IGNORECASE,
)
_MALE = re.compile(
    rf"(?:남자|남성)(?:사람)?{_SOUGHT}|남자?\s?(?:두|한|세|\d)\s?(?:분|명\s?(?:더|필요|구|모집))|\(남자?\)|남성\s*(?:분)?\s*(?:모집|환영|대상|구해|구합|찾)|형님들?\s*(?:구|모집)|"
    r"\b(?:men|guys|male)(?:'s)?[\s-]*(?:only|group|club|team|members)",
    re.IGNORECASE,
)
# 남자분이시면 이성목적 아닌 분, 여자친구도 있어서: not those who are sought.
_NOT_SOUGHT = re.compile(
    r"^\s*(?:도\s|[^\s]{0,2}\s?있|[^\s]{0,3}\s?(?:안|못)|.{0,4}(?:사절|제외|거절|x))", re.IGNORECASE
)
_OWN_GENDER = re.compile(
    r"(?:저는|전|제가|저도|나는|저만|본인)[^.!?\n]{0,20}?(여자|여성|남자|남성)|(여자|여성|남자|남성)\s?(?:사람)?\s?"
    r"(?:입니다|입니당|이에요|예요|에요|인데|이고|이구|구요|임\b|이라)|\d\d?(?:대|살|세)?\s?(?:초|중|후)?반?\s?(여자|남자|남|여)(?=\s|$|입|이|인)"
)
_SAME_GENDER = re.compile(r"동성(?!로)|같은\s?성별")

_REGULAR = re.compile(
    r"매주|매일|매달|매월|격주|정기|정모|주기적|(?:주|월|일주일에?|한\s?달에|2주에)\s?(?:최소\s?)?(?:[1-7]|한|두|세)\s?(?:,?\s?(?:2|3|"
    r"두|세))?\s?(?:회|번|하루)|"
    r"주\s?\d\s?[-~]\s?\d\s?회|요일마다|주마다|동호회|조기\s?축구|신입\s?회원|회원\s?(?:을|님)?\s?모집|회원모집|멤버\s?모집|크루\s?(?:원|"
    r"모집)|꾸준|종종|가끔씩|자주|오래\s?(?:하실|함께|같이)|"
    r"스터디|독서\s?모임|에서\s?모임|every (?:week|month|day|monday|tuesday|wednesday|thursday|friday|saturday|"
    r"sunday)|weekly|monthly|regular",
    re.IGNORECASE,
)
_ONCE = re.compile(
    r"오늘|내일(?!배)|모레|지금|이따|방금|이번\s?(?:주|달|토|일|주말)|담주|다음\s?주|금일|당일|\d{1,2}\s?[/.월]\s?\d{1,2}\s?일?(?!\d|"
    r"\s?학년|년|살)|크리스마스|원데이|"
    r"(?:토|일|금|월|화|수|목)요일(?:에|인데|날|\s?(?:오전|오후|저녁))|눈\s?(?:싸움|사람|오는|오리)|번개|벙개|today|tonight|tomorrow|"
    r"this (?:week|weekend|saturday|sunday)",
    re.IGNORECASE,
)

_RECRUITING = re.compile(
    r"모집|ㅁㅈ|구해|구합|구함|구한다|구인|급구|찾아요|찾습|찾고|찾는|찾아봐|[가-힣]실\s?(?:분|뷴|여자|여성)|실분|[할갈볼칠뛸먹]\s?(?:분|사람|친구)|"
    r"함께\s?(?:해|하)|같이\s?(?:해|하|갈|가|놀|할|먹|운동|친|준비|굽|뛰|타)|환영|메이트|파티원|팟|모여라|모여요|초대|친구\s?(?:하|해|구|사귀|할)|"
    r"받아요|받습니다|받을게|오세요|합류|동행|번개|소모임|하는\s?모임|모임\s?(?:관심|입니다|이에요)|자리\s?(?:남|있)|필요함|필요해요|계신가요|시작해요|"
    r"\bjoin|looking for|members? want|wanted|recruit|newcomers?|anyone for|\bcome (?:along|by|and)|spare ticket|"
    r"needs? (?:\w+ )?(?:players?|people|members?)|welcome|\bwe (?:meet|play|jog|run|sit|gather|hike|read)",
    re.IGNORECASE,
)
_COMMERCE = re.compile(
    r"수강생|양도합|양도해|팔아요|팝니다|판매|내놓습|내놔요|레슨비|레슨합|수강료|원생|"
    r"강사진|전공자가|for sale|\bselling\b|tuition|"
    r"per lesson",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"추천\s?(?:부탁|해|좀)|할\s?만한\s?(?:곳|데)|어디\s?(?:가|있|서)|아시는\s?분|아시나요|다니시는\s?분\s?계신|변경하실|바꾸실|"
    r"연구\s?(?:에\s?)?참여|where (?:do|can|is)|any(?:one|body) know|recommend|is there",
    re.IGNORECASE,
)
_COMPANY = re.compile(r"같이|함께|메이트|모임")


def read(text: PostText) -> dict[str, Found]:
    """Reads a post that may look for company.

    Args:
        text: The post's text columns.

    Returns:
        By key: `is_recruiting`, `topics`, `age_bands`, `gender`, `recurring`. Absent is what is not stated.
    """
    folded = FoldedPost(text)
    found = _read(folded.text)
    return {key: replace(one, confidence=_CONFIDENCE[key]) for key, one in folded.stored(found).items()}


def _read(text: PostText) -> dict[str, Found]:
    found: dict[str, Found] = {"is_recruiting": _is_recruiting(text)}
    topics = topics_in(text, _MOST_TOPICS, is_recruiting=found["is_recruiting"].value is True)
    found["topics"] = Found(tuple(topics), tuple(span for spans in topics.values() for span in spans))
    found |= _named("age_bands", _age_bands(text)) | _named("gender", _gender(text))
    return found | _named("recurring", _recurring(text))


def _named(key: str, found: Found | None) -> dict[str, Found]:
    return {} if found is None else {key: found}


def _is_recruiting(text: PostText) -> Found:
    sought = list(_spans(text, _RECRUITING))
    is_asking, has_company, is_commerce = (
        next(_spans(text, pattern), None) is not None for pattern in (_ASKING, _COMPANY, _COMMERCE)
    )
    return Found(bool(sought) and not is_commerce and (has_company or not is_asking), tuple(sought[:1]))


def _age_bands(text: PostText) -> Found | None:
    whole = "\n".join(text.parts.values())
    has_peers, is_any = seeks_peers(whole), takes_any_age(whole)
    bands: list[str] = []
    spans: list[Span] = []
    for column, part in text.parts.items():
        for mention in ages_in(part):
            if (mention.is_own and not has_peers) or is_of_members(part, mention):
                continue
            if is_any and not mention.is_range:
                continue
            bands += mention.bands
            spans.append(Span(column, mention.start, mention.end))
    return Found(in_order(bands), tuple(spans)) if bands else None


def _gender(text: PostText) -> Found | None:
    any_gender = list(_spans(text, _ANY_GENDER))
    if any_gender:
        return Found("mixed", tuple(any_gender[:1]))
    female, male = list(_sought(text, _FEMALE)), list(_sought(text, _MALE))
    if female and male:
        return Found("mixed", (female[0], male[0]))
    if female or male:
        return Found("female" if female else "male", tuple((female or male)[:1]))
    same = list(_spans(text, _SAME_GENDER))
    if same:
        own = Counter(_own_genders(text))
        if own:
            return Found(own.most_common(1)[0][0], tuple(same[:1]))
    anyone = list(_spans(text, _ANYONE))
    return Found("mixed", tuple(anyone[:1])) if anyone else None


def _own_genders(text: PostText) -> Iterator[str]:
    for part in text.parts.values():
        for match in _OWN_GENDER.finditer(part):
            word = next(group for group in match.groups() if group)
            yield "female" if word.startswith("여") else "male"


def _sought(text: PostText, pattern: re.Pattern[str]) -> Iterator[Span]:
    for span in _spans(text, pattern):
        if not _NOT_SOUGHT.match(text.parts[span.field][span.end :]):
            yield span


def _recurring(text: PostText) -> Found | None:
    regular, once = list(_spans(text, _REGULAR)), list(_spans(text, _ONCE))
    if regular:
        return Found(True, tuple(regular[:1]))
    return Found(False, tuple(once[:1])) if once else None


def _spans(text: PostText, pattern: re.Pattern[str]) -> Iterator[Span]:
    for column, part in text.parts.items():
        for match in pattern.finditer(part):
            yield Span(column, match.start(), match.end())
