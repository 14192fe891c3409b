"""What a Korean rental advert allows and has: pets, parking, a lift, a loan, and the day from which it is free."""

import re

from madang.extraction.grounding import PostText, Span
from madang.readers.cues import Cue, cues, first_cue
from madang.readers.found import Found

_NO = (
    r"(?:불가|불\s?가능|안\s?(?:됨|돼|되|됩|받|나)|어려|어렵|힘들|힘듦|없|금지|사절|절대|노노|ㄴㄴ|무(?![가-힣료])|[xX×✕❌](?![A-Za-z])|NO|no\b|"
    r"아니|꺼려|빼고|자제|정중히)"
)
_ALLOWED = (
    r"가능|됩니다|돼요|되요|됨|환영|허용|[oO○⭕](?![A-Za-z])|ok|OK|오케이|키우셔도|키워도|키우며|키우면서|키웠|살다"
)
_PARKING = re.compile(
    r"(?<!불법)(?<!이중)주차(?!\s?(?:단속|위반|구합|찾|문제|요원))|차\s?(?:세울|댈)\s?(?:곳|데|자리)|파킹"
)
_PUBLIC_PARKING = re.compile(r"(?:공영|공용|주변|인근|근처|유료|거주자\s?우선)\s?(?:공용|공영)?\s?$")
_LIFT = re.compile(
    r"(?P<no>노|무)?\s?(?<![가-힣])?(?:엘베|엘리베이터|엘레베이터|엘리베이타|엘레베이타|승강기|E/V|EV(?![A-Za-z]))",
    re.IGNORECASE,
)
_PET = re.compile(
    r"(?:소형\s?)?(?:애완|반려)\s?(?:동물|견|묘)?(?!\s?(?:용품|병원|미용|식물))|(?<![가-힣])(?:펫|강아지|고양이|댕댕이|냥이|냥)(?!\s?(?:카페|병원|"
    r"용품|산책|간식))|"
    r"기르시는 동물|동물(?=은|을)"
)
_LOAN = re.compile(
    r"(?:(?:전세|보증금|버팀목|중기청|청년|임차|각종|모든|신혼|카카오|HUG|허그|HF|LH|SH)\s?){0,3}(?:전세\s?)?(?:자금\s?)?대출(?!\s?(?:상품|비교|"
    r"상담|규제|이자|금리|받|갚|잔액|없|은행|한도))|"
    r"버팀목|중기청(?:100)?"
)
_LOAN_YES = re.compile(
    r"^[^.!?\n]{0,18}?(?:가능|가(?![가-힣])|[oO○](?![A-Za-z])|ok|OK|됩|돼|되[는어요]|됨|나옵|나와|100\s?%|환영|협조)"
)
_LOAN_NO = re.compile(rf"^[^.!?\n,]{{0,8}}?{_NO}")

_DAY = (
    r"(?:(?:20\d\d|\d\d)\s?년\s?)?(?:(?:내년|내후년|올해|올)\s?)?(?:\d{1,2}(?:\s?[~\-]\s?\d{1,2})?\s?월(?!\s?세|\s?\d{2,}\s?만)"
    r"(?:\s?(?:\d{1,2}\s?일|\d{1,2}(?=\s?협의)|(?:첫째|둘째|셋째|넷째|마지막)\s?주|초순?|중순?|말(?:일)?|하순|상순|중))?|"
    r"(?<![\d/.])\d{1,2}/\d{1,2}(?![\d/]))|(?:다음|담|이번|이)\s?(?:달|주)\s?(?:(?:초|중순?|말|하순)|(?=\s?(?:부터|이후|입주|이사)))"
)
_FROM = re.compile(
    rf"(?P<day>{_DAY})(?P<tail>\s?(?:이후|부터|쯤|경|이내|안으로))?(?P<agree>\s?(?:(?:로|에)\s)?(?:입주\s?|이사\s?)?협의)?"
)
_MOVE = re.compile(r"입주|이사(?!회)|입실|들어오|나가요|나갑니다|협의|비워|비어|쓰실|전입|공실")
_NOT_MOVE = re.compile(
    r"^\s?(?:까지|\d|에\s?(?:재정비|리모델링|준공|신축|완공|수리|입금|계약)|[가-힣]{0,3}\s?(?:준공|완공|수리|리모델링|계약\s?만))"
)
_AT_ONCE = re.compile(
    r"(?:즉시|바로|발로|빠른|빨리|당장|지금)\s?(?:라도\s?)?(?:이사\s?)?(?:입주|이사|입실|거주|들어오|들어와|계약\s?입주)|입주\s?(?:는\s?)?(?:즉시|바로|빠르게|언제든)|"
    r"(?<![비가-힣])(?:현재\s?|현\s?)?공실(?!\s?(?:없|아님|예정|률))|(?<=후)공실|현공실|언제든지?\s?입주"
)
_TO_AGREE = re.compile(
    r"(?:입주|이사|입실|날짜|날자)\s?(?:가능)?\s?(?:일자?|날짜?|날자|시기|일정)?\s?(?:은|는|도)?\s?(?:언제든지?\s?|추후\s?|상호\s?|"
    r"최대한\s?)?(?:가능\s?)?(?:협의|혐의|조율|조정|맞춰)|"
    r"협의\s?(?:후\s?)?입주"
)


def read_parking(text: PostText) -> Found | None:
    """Whether a car may be parked; a car park of the neighbourhood is none of the home's."""
    for cue in cues(_PARKING, text):
        rest = cue.rest_of_sentence(16)
        if re.match(r"\s?장?\s?자리|\s?\(?(?:협의|문의)", rest) and cue.before(8).strip().endswith(
            ("주변", "인근", "근처")
        ):
            continue
        if _PUBLIC_PARKING.search(cue.before(8)) or re.match(r"\s?(?:장\s?)?\(?(?:협의|문의|별도\s?문의)", rest):
            continue
        is_denied = re.match(rf"(?:장|공간|은|는|도|이|가|자리|대수|\s|:|-|\(|골목이라|많이|전혀|1대)*{_NO}", rest)
        return Found(is_denied is None, (cue.span(),))
    return None


def read_elevator(text: PostText) -> Found | None:
    """Whether there is a lift."""
    for cue in cues(_LIFT, text):
        rest = cue.rest_of_sentence(12)
        if cue.match["no"] or re.match(rf"(?:은|는|이|가|도|당연히|따로|\s|:|-)*{_NO}", rest):
            return Found(False, (cue.span(),))
        if not re.match(r"\s?(?:공사|설치\s?예정)", rest):
            return Found(True, (cue.span(),))
    return None


def read_pets(text: PostText) -> Found | None:
    """Whether pets are allowed, where that is said."""
    for cue in cues(_PET, text):
        rest = cue.rest_of_sentence(22)
        denied, allowed = re.search(_NO, rest), re.search(_ALLOWED, rest)
        if denied and (allowed is None or denied.start() <= allowed.start()):
            return Found(False, (_through(cue, denied),))
        if allowed:
            return Found(True, (cue.span(),))
    return None


def read_lease_loan(text: PostText) -> Found | None:
    """Whether a loan for the deposit is possible. LH alone says who may rent, not that a bank lends."""
    for cue in cues(_LOAN, text):
        rest = cue.rest_of_sentence(24)
        if _LOAN_NO.search(rest):
            return Found(False, (cue.span(),))
        if _LOAN_YES.search(rest):
            return Found(True, (cue.span(),))
    return None


def read_available(text: PostText) -> Found | None:
    """From when: a day as written, else `immediate`, else `negotiable`."""
    for cue in cues(_FROM, text):
        if _is_move_in(cue):
            return Found(cue.match.group().strip(), (cue.span(),))
    at_once = first_cue(_AT_ONCE, text)
    if at_once is not None:
        return Found("immediate", (at_once.span(),))
    to_agree = first_cue(_TO_AGREE, text)
    return None if to_agree is None else Found("negotiable", (to_agree.span(),))


def _is_move_in(cue: Cue) -> bool:
    if _NOT_MOVE.match(cue.after(14)):
        return False
    if cue.match["agree"]:
        return True
    near = cue.rest_of_sentence(28 if cue.match["tail"] else 14)
    said_before = re.search(r"(?:입주|이사|입실|공실)[^.!?\n]{0,8}$", cue.before(12))
    return bool(_MOVE.search(near) or said_before)


def _through(cue: Cue, rest: re.Match[str]) -> Span:
    return Span(cue.part, cue.match.start(), cue.match.end() + rest.end())
