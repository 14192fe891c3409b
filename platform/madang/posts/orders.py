"""Takes out of a post what addresses a machine: orders to a model, answers written for it, marks of a chat's turns.

A post is data. Whatever reads it (a model, a classifier, a reader's patterns) sees spaces where such words stood; the
length stays, so that offsets hold in the stored text. What people write to people stays: an order counts only beside
words that no neighbour uses ("previous instructions", a JSON object, `<system>`).
"""

import re

# An answer written for a machine, a template, code; and a turn that is not the author's.
_MARKS = re.compile(
    r"```.{0,4000}?(?:```|$)|\{\{[\s!-z|~]{0,200}\}\}|\{%[\s!-z|~]{0,200}%\}|\$\{[\s!-z|~]{0,200}\}|"
    r"\{\s{0,20}[\"'“]\w{1,60}[\"'”]\s{0,5}:[^{}]{0,2000}(?:\}|$)|"
    r"[\"“]\w{1,60}[\"”]\s{0,5}:\s{0,5}(?:[\"“][^\"”\n]{0,200}[\"”]|\[[^\]\n]{0,200}\]|true|false|null|-?\d{1,12})|"
    r"<(?P<turn>system|assistant|instructions?|prompt)>.{0,2000}?</(?P=turn)>|"
    r"</?(?:system|user|assistant|post|instructions?|prompt)\b[^>\n]{0,100}>|<\|[^|\n]{0,40}\|>|"
    r"\[/?(?:INST|SYS)\]|<<\s?/?SYS\s?>>|<(?:start|end)_of_turn>(?:user|model|system)?|</?s>",
    re.IGNORECASE | re.DOTALL,
)
_SENTENCE = re.compile(r"[^.!?。\n]+[.!?。]*")
_NAMES = r"(?:(?:is|age|post|monthly|deal|property)_[a-z_]{2,30}|topics?|gender|category|intent|field|필드|라벨|토픽)"
# A sentence that holds one of these is an order: to forget, to play a part, to answer in a machine's way.
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass|skip)\b[^\n]{0,40}?"
    r"\b(?:instructions?|prompts?|rules|system|guidelines|constraints|(?:everything|all|anything)\s(?:above|before))\b|"
    r"\b(?:you are|act as|pretend to be|roleplay)\b[^\n]{0,30}?\b(?:assistant|ai|bot|dan|chatgpt|gpt)\b|"
    r"\byou are (?:now )?in\b[^\n]{0,20}?\bmode\b|"
    r"\b(?:set|mark (?:it|this|the)|classify|label (?:it|this|the)|tag (?:it|this|the)|output|return|print|"
    r"answer|respond|reply|emit)\b[^\n]{0,60}?"
    r"(?:\bjson\b|\bverbatim\b|[\"'`]?\b\w{2,30}\b[\"'`]?:?==?[\"'`\[\w]|\bas (?:the )?(?:answer|label|"
    r"category|topic|field|value)\b|"
    r"\bonly with\b|\bnothing (?:else|but)\b|\b(?:the \w{2,30} field|schema)\b|\bto \[?[\"'`])|"
    r"\b(?:new|updated|real|hidden|secret|system|developer)\s(?:instructions?|prompts?|message)\b|"
    r"\b(?:language model|llm|ai (?:model|assistant|system)|chatgpt|classifier|annotator|extractor)s?\b[^\n]{0,80}?"
    r"\b(?:must|should|shall|please|will|has to|have to|need to)\b|"
    r"^\s{0,3}(?:#{1,4}\s?)?(?:system|assistant|developer|시스템|어시스턴트)\s?(?:message|prompt|메시지|프롬프트)?\s?[:：]|"
    r"#{2,4}\s?(?:instructions?|system|response|지시|명령|응답)|"
    r"(?:이전|앞선|앞의|위의?|기존|지금까지|모든|원래)\s?[^\n]{0,14}?(?:지시|명령|지침|프롬프트|규칙|설정|instruction)[^\n]{0,14}?"
    r"(?:무시|잊|따르지|버려|버리|취소|삭제)|"
    r"(?:너는|당신은|넌|귀하는)\s?(?:이제|지금|앞으로)[^\n]{0,40}?(?:\bai\b|인공지능|모델|비서|봇|역할|모드|시스템|관리자)|"
    r"(?:인공지능|\bai|챗봇|챗gpt|gpt|언어\s?모델|모델|분류기|시스템)\s?(?:은|는|아|야|이|가|에게|님)[^\n]{0,60}?"
    r"(?:답하|답해|출력|분류|적어|적으|반환|표시|설정|기록|선택)(?:하|해|라|세|할|시|십)|"
    r"(?:다음|아래)\s?(?:내용|문장|값|json|형식|텍스트)?\s?(?:을|를|만|대로|으로|로)?\s?[^\n]{0,14}?(?:그대로|반드시|무조건|만)\s?[^\n]{0,8}?"
    r"(?:출력|응답|반환|답변)(?:하|해|할)|"
    rf"\b(?:{_NAMES}|[a-z]{{2,20}}_[a-z_]{{2,30}})\s?(?:값)?\s?(?:은|는|을|를|이|가)?\s?[^\n]{{0,40}}?(?:로|라고|로만)\s?(?:만\s?)?"
    r"(?:답|출력|설정|분류|적|반환|표시|기록|선택|바꾸|바꿔|하라|해라|하세요|해줘)|"
    r"(?:json|제이슨)\s?(?:으로|로|만|형식)[^\n]{0,20}?(?:답|출력|응답|반환|적)|"
    r"(?:시스템|관리자|개발자)\s?(?:프롬프트|메시지|지시|명령|모드)|"
    rf"(?<![?&/\w]){_NAMES}\s?(?::?=|:\s?[\"'\[])\s?[\"'\[]?\w|"
    r"\b(?:drop|truncate|alter)\s+table\b|\bdelete\s+from\b|\binsert\s+into\b|\bunion\s+(?:all\s+)?select\b|"
    r"\bupdate\s+\w{1,40}\s+set\b|"
    r"'\s{0,3}(?:or|and)\s{0,3}'?1'?\s?=\s?'?1",
    re.IGNORECASE,
)

# No order stands without one of these.
_SUSPECT = re.compile(
    r"[{<\[`\"“=#]|\b(?:ignore|disregard|forget|override|bypass|skip|you are|act as|pretend to be|roleplay|set|"
    r"mark|classify|label|tag|output|"
    r"return|print|answer|respond|reply|emit|prompts?|instructions?|llm|ai|model|chatgpt|classifier|annotator|"
    r"extractor|drop|truncate|alter|"
    r"delete|insert|union|update|system|assistant|developer|topics?|gender|category|condition|intent|field|json)\b|_|"
    r"지시|명령|지침|프롬프트|시스템|규칙|설정|인공지능|챗|모델|분류기|출력|응답|반환|답변|어시스턴트|필드|라벨|토픽|제이슨|관리자|개발자|"
    r"너는|당신은|넌|귀하는|ai|gpt|' ?or|' ?and",
    re.IGNORECASE,
)


def without_orders(text: str) -> str:
    """The text with spaces where it addresses a machine; its length and its line ends stay."""
    if _SUSPECT.search(text) is None:
        return text
    marked = _MARKS.sub(lambda match: _blank(match[0]), text)
    return _SENTENCE.sub(lambda match: _blank(match[0]) if _ORDERS.search(match[0]) else match[0], marked)


def _blank(words: str) -> str:
    return "".join(char if char == "\n" else " " for char in words)
