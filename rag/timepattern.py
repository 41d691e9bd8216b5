"""The pattern of time expressions in English, and the words it is made of.

>>> EXPRESSION.search("The ferry sank on Wednesday evening.").group("weekday")
'Wednesday evening'
"""

import re

from rag.days import Part

MONTHS = (
    "January February March April May June July August September October November December".split()
)
_MONTH = (
    r"(?:jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|jun(?:e|\.)?|jul(?:y|\.)?"
    r"|aug(?:ust|\.)?|sep(?:tember|t\.?|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)"
    r"(?!\w)"
)
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_WEEKDAY = rf"(?:{'|'.join(WEEKDAYS)})"
_YEAR = r"(?:1[5-9]|20)\d\d"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?!\d)"
_NTH = r"(?:st|nd|rd|th)?(?!\w)"
_TO = r"\s*(?:-|–|\s(?:to|and)\s)\s*"
_NUMBERS = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty"
).split()
# "A few" days are fewer than ten: generous bounds lose nothing where the prior is soft.
COUNTS = {word: n for n, word in enumerate(_NUMBERS, 1)} | {
    "a": 1, "an": 1, "a couple of": 2, "couple of": 2, "few": 5, "several": 7,
    "thirty": 30, "forty": 40, "fifty": 50,
}  # fmt: skip
_N = r"\d{1,3}|" + "|".join(sorted(COUNTS, key=len, reverse=True)).replace(" ", r"\s+")
_PART = r"early|mid|late|(?:beginning|start|middle|end)\s+of"
PARTS: dict[str, Part] = {"beginning": "early", "start": "early", "middle": "mid", "end": "late"}
_OF_DAY = r"(?:\s+(?:morning|afternoon|evening|night)(?!\w))?"


def _year_tail(name: str) -> str:
    """Return the pattern of a year behind a date; groups `<name>y` and `<name>r`."""
    return (
        rf"(?:,?\s+(?:of\s+)?(?P<{name}y>{_YEAR})(?!\w|,\d)"
        rf"|\s+(?:of\s+)?(?P<{name}r>last|this|next)\s+year(?!\w))?"
    )


# Where an expression may begin, in lower case: without IGNORECASE the engine skips an alternative
# by its first letter, so looking here first is four times as fast.
START = re.compile(
    r"\b(?:\d|q[1-4]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun"
    r"|spring|summer|fall|winter|autumn|early|earlier|mid|late|beginning\s|start\s|middle\s|end\s"
    r"|last\s|this\s|next\s|past\s|the\s+weekend|first\s|second\s|third\s|fourth\s|day\s"
    r"|yesterday|today|tomorrow|tonight"
    rf"|(?:couple\s+of|{'|'.join(word for word in COUNTS if ' ' not in word)})\s+[a-z]+\s+ago\b)"
)
# The first alternative that matches at a word wins.
EXPRESSION = re.compile(
    rf"""(?<![\w$£€#])(?:
    (?P<iso>(?<!-)(?P<iy>{_YEAR})-(?P<im>\d\d)-(?P<id>\d\d)(?![\w-]))
    |(?P<dayfirst>(?:{_WEEKDAY},?\s+)?
      (?P<d1>{_DAY}){_NTH}(?:{_TO}(?P<d2>{_DAY}){_NTH})?\s+(?:of\s+)?(?P<dm>{_MONTH}){_year_tail("d")})
    |(?P<monthfirst>(?:{_WEEKDAY},?\s+)?(?P<mm>{_MONTH})\s+
      (?P<m1>{_DAY}){_NTH}(?:{_TO}(?P<m2>{_DAY}){_NTH})?(?![.:,]\d){_year_tail("m")})
    |(?P<month>(?:(?P<op>{_PART})[\s-]+)?(?:(?P<ow>last|this|next)\s+)?
      (?P<om>{_MONTH}){_year_tail("o")})
    |(?P<quarter>(?:q(?P<qn>[1-4])|(?P<qo>first|second|third|fourth)\s+(?P<qk>quarter|half)\s+of)
      \s+(?P<qy>{_YEAR})(?!\w))
    |(?P<season>(?:(?P<sw>last|this|next)\s+)?(?P<ss>spring|summer|autumn|fall|winter)
      (?:\s+(?:of\s+)?(?P<sy>{_YEAR}))?(?!\w))
    |(?P<decade>(?:(?P<cp>{_PART})[\s-]+(?:the\s+)?)?(?P<cy>(?:1[5-9]|20)\d0)s(?!\w))
    |(?P<year>(?<![.,:/–-])(?:(?P<yp>{_PART})[\s-]+)?(?P<y1>{_YEAR})
      (?:\s*[-–]\s*(?P<y2>{_YEAR}))?(?![\w%]|[.,:/–-]\d))
    |(?P<ago>(?P<an>\d{{1,3}}|(?:a\s+)?couple\s+of|[a-z]+)\s+(?P<au>hour|day|week|month|year|decade)s?\s+ago(?!\w))
    |(?P<span>(?P<pw>past|last)\s+(?P<pn>{_N})\s+(?P<pu>hour|day|week|month|year|decade)s?(?!\w))
    |(?P<weekend>(?P<ew>last|this|next|the)\s+weekend(?!\w))
    |(?P<today>(?:day\s+before\s+yesterday|day\s+after\s+tomorrow|yesterday|today|tomorrow){_OF_DAY}
      |tonight(?!\w)|last\s+night(?!\w)|this\s+(?:morning|afternoon|evening)(?!\w))
    |(?P<unit>(?:(?P<ue>earlier|later|early|late)\s+)?
      (?P<uw>last|this|next|past)\s+(?P<uu>week|month|year|decade)(?!\w))
    |(?P<weekday>(?:(?P<ww>last|this|next)\s+)?(?P<wd>{_WEEKDAY})(?!\w){_OF_DAY}
      (?:\s+(?:of\s+)?(?P<wr>last|this|next)\s+week(?!\w))?)
    |(?P<nth>(?P<nd>{_DAY})(?:st|nd|rd|th)(?=\s*(?:[?.!,;]|$)))
    )""",
    re.IGNORECASE | re.VERBOSE,
)
