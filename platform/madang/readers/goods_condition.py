"""How worn a thing is: new, like_new, good, fair, for_parts, or unknown where the post does not say.

What is new beside a used thing (이어폰 미사용, 강화유리 새것) says nothing of the thing, and a word is undone by what
follows it (찍힘 없음, 새상품급). The worst that the post says of the thing itself outweighs praise.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from madang.extraction.grounding import Span

_NOT = (
    r"(?!\s?(?:이나|은|는|도|이|가|등|및|,|/|하나|전혀|거의|으로|로|등등)?\s?(?:하나도?|전혀|일절|절대|거의|"
    r"난\s?적|인한)?\s?(?:없|x|무(?![가-힣])|안\s|아니|않|제로|0))"
)
_LIKE = (
    r"(?!\s?(?:급|같|처럼|수준|이나|과|과는|이라|라고|정도|보다|가격|가(?![가-힣])|으?로\s?(?:교체|교환|갈|바꾸|"
    r"구매|구입|산)|사|살|구매|구입|질러|에\s?가까|느낌|상태|만큼|못지|\d))"
)
_PART = re.compile(
    r"(?P<part>이어폰|이어팟|충전기|케이블|어댑터|어뎁터|케이스|필름|구성품|액정|배터리|밧데리|박스|유심|이어캡|"
    r"젠더|펜|버즈|유리|악세사리|단자|스트랩|뒷판|메인보드|부품|커버|나머지|그외|제외하고는|리퍼)"
    r"[^.!?\n]{0,14}$"
)
_PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    "for_parts": (
        re.compile(
            r"부품용|부품\s?용도|부품으로|(?:전원|화면|부팅|작동|충전)[이은도가]?\s?(?:잘\s?)?안\s?(?:켜|나오|나와|"
            r"되|됩|돼|들어)|작동\s?(?:안|불가|불능|되지\s?않|하지\s?않)|먹통|무한\s?부팅|벽돌(?:폰)?(?!\s?입니다)|"

                   rf"고장(?:품|난|나서|입니다|이\s?(?:있|났)|\s?있|남|폰|제품|나서){_NOT}|수리용|"
                   rf"수리해서\s?(?:사용|쓰)|정크|"
                   r"for parts|not working|doesn't work|does not work|broken|won't turn on|parts only|"
                   r"as-is for repair"),
    ),
    "new": (
        re.compile(
            rf"미개봉|미\s?사용(?!\s?(?:시간|감))|새\s?상품{_LIKE}|새\s?제품{_LIKE}|세\s?제품{_LIKE}|"
            rf"새\s?책{_LIKE}|완전\s?새\s?(?:것|거){_LIKE}|신제품{_LIKE}|신품{_LIKE}|밀봉|택\s?(?:있는|"
            rf"도?\s?안\s?뗀|달린|그대로|포함|o(?![a-z]))|"

                   r"(?:한\s?번도|1번도|전혀)\s?(?:안|사용|쓰지|입지|신지|착용)|"
                   r"(?<!채 )(?<!잘 )(?<!이상 )(?<!자주 )(?:사용|착용)\s?(?:도\s?)?(?:안\s?했|안\s?한|하지\s?않|x|"
                   r"안\s?해)|개봉\s?(?:안|하지\s?않)|포장\s?(?:도\s?)?(?:안|그대로|뜯지)|"
                   r"brand[\s-]new|new (?:with|without|in) (?:tags?|box)|\b(?:nwt|bnib|bnwt|nib|deadstock|unopened|"
                   r"unworn|sealed|unused)\b|never (?:worn|used|opened)|"
                   r"\bcondition:? (?:is )?(?:brand )?new\b(?! ?like)"),
    ),
    "like_new": (
        re.compile(
            r"(?<![a-z])s{1,3}\+*\s?급|(?:특|초)\s?s|새\s?(?:것|거|상품|제품|폰|책)\s?(?:급|같|처럼|수준|"
            r"이나\s?다름|과\s?다름|이라고|라고|느낌|에\s?가까|못지|정도)|거의\s?(?:새|안\s?(?:입|쓴|신|사용|썼|"
            r"탄))|"

                   r"(?:[1-3]|한|두|세|한두|두세)\s?(?:회|번|차례)\s?(?:정도|만|미만)?\s?(?:실내|실|밖에|"
                   r"만)?\s?(?:에서만)?\s?(?:착용|사용|입|신|쓰|쓴|썼|들|써|착|시착|끼워|테스트|메|읽|안)|"
                   r"[1-3]회\s?(?:사용|"
                   r"착용)|실착\s?(?:만|없|1|안)|시착|착용만\s?해|"
                   r"사용감\s?(?:이|은)?\s?(?:전혀\s?|거의\s?)?(?:없|x)|사용\s?횟수\s?적|"
                   r"사용\s?(?:을\s?)?거의\s?(?:안|x|없)|단순\s?개봉|개봉\s?(?:만|후\s?(?:보관|미사용))|"
                   r"개봉한\s?상품|최상급|최상\s?상태|상태\s?최상|a\+{2,}|(?<![a-z])a\+\s?급|민트급|"
                   r"(?:기스|흠집|스크래치|찍힘)(?:[^.!?\n]{0,14}?)\s?(?:없|x(?![a-z])|발견\s?할\s?수\s?없)|무기스|"
                   r"새폰|잔기스\s?(?:하나)?\s?(?:도|조차)\s?없|(?:하루|이틀|며칠|일주일|1주일|[1-9]일|"
                   r"[12]주)\s?(?:정도|만)?\s?(?:사용|썼|쓴|쓰고)|"
                   r"like[\s-]new|excellent condition|mint condition|near mint|near[\s-]new|great condition|"
                   r"worn (?:once|twice)|used once|barely (?:used|worn)|hardly (?:used|worn)|lightly (?:used|worn)|"
                   r"pristine|immaculate|perfect condition"),
    ),
    "fair": (
        re.compile(
            rf"(?:하자|찍힘|까짐|얼룩|오염|이염|구멍|늘어남|변색|스크래치|흠집|크랙|잔상|번인|보풀){_NOT}\s?(?:이|"
            rf"은|는|도)?\s?(?:꽤|많|심|크|큰|몇|여러|두\s?군데)|(?:구멍|이염|얼룩|번인|빛샘)\s?(?:이\s?)?(?:있|"
            rf"조금|살짝|o(?![a-z]))|큰\s?(?:찍힘|기스|하자|흠집)(?!\s?(?:은|이|도)?\s?없)|"

                   rf"(?:액정|뒷판|후면|뒷면|모서리|유리|화면|"
                   rf"강화유리)[이은는에가도]?\s?(?:[가-힣]+\s?){{0,2}}(?:(?<!조)금\s?(?:이\s?)?(?:가|간|있|감)|"
                   rf"깨[져졌진]|깨짐{_NOT}|파손{_NOT}|나갔|나감)|(?<!조)금이?\s?(?:간\s|갔|가\s?있|가있)|실금|파손폰|"
                   rf"파손입|파손되|파손품|파손이?\s?있|파손\s?:|액정\s?파손|뒷판\s?파손|"
                   rf"(?<![a-z])b\s?[+-]?\s?급|(?<![a-z])c\s?급|사용감\s?(?:이|은)?\s?(?:많|꽤|심|상당)|"
                   rf"하자\s?(?:가\s?)?(?:있|감안)|감안하(?:고|셔|시|여)[^.\n]{{0,12}}(?:저렴|싸)|(?:인식|작동|"
                   rf"기능|터치|스피커|카메라|버튼|지문)[이은는가]?\s?(?:[가-힣]+\s?)?(?:불량{_NOT}|안\s?됩|안되|"
                   rf"이상\s?있|고장{_NOT})|보풀\s?(?:이\s?)?(?:있|많|조금)|(?:코팅|칠|"
                   rf"가죽)[이은]?\s?(?:[가-힣]+\s?)?(?:벗겨|까)|많이\s?닳|닳았|많이\s?(?:입|신|사용|탔|썼)|"
                   r"fair condition|well[\s-]worn|heavily (?:used|worn)|visible wear|some (?:wear|stains?|"
                   r"scratches|damage)|has (?:a )?(?:stains?|holes?|cracks?|scratch(?:es)?|flaws?)|"
                   r"distressed condition|\bcracked\b|poor condition|minor (?:flaws?|holes?|stains?)"),
    ),
    "marked": (
        re.compile(
            rf"(?:하자|찍힘|찍힌|파손|깨짐|깨진|까짐|얼룩|오염|뜯어짐|헤짐|해짐|변색|스크래치|흠집|잔상|번인|녹|"
            rf"상처){_NOT}\s?(?:이|은|는|도|들|자국)?\s?(?:조금|약간|살짝|좀|작|하나|한\s?군데|있|o(?![a-z])|존재|"
            rf"부분|곳)"
        ),
    ),
    "good": (
        re.compile(
            r"상태\s?(?:는|도|가|면|면에서|모두|전체적으로|사진|정말|진짜|아주|매우|너무|다|꽤|엄청|대체로|굉장히|"
            r"완전)*\s?(?:좋|양호|깨끗|굿|훌륭|괜찮|최고|상급|a|멀쩡|깔끔)|상태\s?(?:좋|굿|양호|짱|a|굳)|양호|"
            r"깨끗|깔끔하게|생활\s?(?:기스|감|스크래치|흠집)|생기스|사용감|잔\s?기스|기스|"
            r"(?<![a-z])a{1,2}[\s+-]*(?:급|제품)|"

                   r"(?:잘|정상)\s?(?:작동|나와|나옵|됩|되|돌아)|정상\s?작동|작동\s?잘|이상\s?없|문제\s?없|"
                   r"하자\s?(?:없|x)|"
                   r"오염\s?(?:없|x)|찍힘\s?(?:없|x)|파손\s?(?:없|x|은\s?없)|컨디션\s?(?:좋|굿|최)|관리\s?(?:잘|"
                   r"열심)|곱게\s?(?:입|쓴|사용)|깨끗이|예쁘게\s?(?:입|신)|풀박|튼튼|멀쩡|쓸만|최상|"
                   r"good (?:used )?(?:vintage )?condition|gently used|used condition|nice condition|great shape|"
                   r"good shape|works (?:great|well|perfectly|fine)|no (?:flaws|stains|holes|damage|defects|rips)|"
                   r"well (?:kept|maintained)|normal wear|good cond|(?:small|light|minor) scratches|no cracks"),
    ),
}  # fmt: skip
_NEGATED_CLAUSE = re.compile(
    r"(?:있는지|있을\s?수|일\s?수|확인|문의|경우|없을|시\s?(?:환불|교환)|환불|반품|큰\s?하자\s?(?:없|가\s?없)|감안|"
    r"대처|책임)"
)


@dataclass(frozen=True)
class ConditionFound:
    """A condition and where the post says it.

    Args:
        label: One of those that the task declares.
        span: Where; None for `unknown`.
    """

    label: str
    span: Span | None


def condition(parts: Mapping[str, str]) -> ConditionFound:
    """Tells the condition.

    Args:
        parts: Columns in lower case, the title first.
    """
    spans = {label: next(_said(label, parts), None) for label in _PATTERNS}
    title = next(iter(parts))
    broken, new, like_new, fair, marked, good = spans.values()
    if fair is None and good is None:
        fair = marked
    if broken is not None:
        return ConditionFound("for_parts", broken)
    is_used = like_new is not None or fair is not None or marked is not None
    if new is not None and (new.field == title or not is_used):
        return ConditionFound("new", new)
    if like_new is not None and (
        (fair is None and marked is None) or (like_new.field == title and parts[title].strip())
    ):
        return ConditionFound("like_new", like_new)
    for label, span in (("fair", fair), ("like_new", like_new), ("good", good)):
        if span is not None:
            return ConditionFound(label, span)
    return ConditionFound("unknown", None)


def _said(label: str, parts: Mapping[str, str]) -> Iterator[Span]:
    """Where a post says it of the thing itself."""
    title = next(iter(parts.values()))
    for name, part in parts.items():
        for pattern in _PATTERNS[label]:
            for match in pattern.finditer(part):
                before, after = part[max(0, match.start() - 24) : match.start()], part[match.end() : match.end() + 14]
                if match.group()[0] in "새세신미" and _is_of_a_part(before, title):
                    continue
                if label in ("fair", "marked", "for_parts") and _NEGATED_CLAUSE.search(after[:12]):
                    continue
                yield Span(name, match.start(), match.end())


def _is_of_a_part(before: str, title: str) -> bool:
    """Whether what comes before is something that goes with the thing, and not the thing that the title sells."""
    part = _PART.search(before)
    return part is not None and part["part"] not in title
