"""What kind of thing a question asks for, and whether a sentence holds such a thing.

>>> kind_of("How many people were killed at Taji?")
'how_many'
>>> holds("how_many", "The attack killed three people.", frozenset({"killed"}))
True
"""

import re
from collections.abc import Callable, Sequence
from typing import Literal

Kind = Literal["blame", "who", "when", "where", "how_many", "why", "quote", "other"]
Shape = Literal["one", "list", "yes_no", "reason", "account"]

_NUMBER_WORDS = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    "sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    "hundred|thousand|million|billion|dozens?|hundreds|thousands|half|third|quarter|no|none"
)
_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_NUMBER = re.compile(rf"\b(?:\d[\d,.]*|{_NUMBER_WORDS})\b", re.IGNORECASE)
_TIME = re.compile(
    rf"\b(?:{_MONTHS})\b\.?|\b(?:{_DAYS})s?\b|\b(?:1[5-9]|20)\d\d\b|\b\d{{1,2}}:\d\d\b"
    r"|\b(?:today|yesterday|tomorrow|tonight|midnight|noon|dawn|morning|afternoon|evening|night|"
    r"ago|week|month|year|decade|century)s?\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:in|at|near|from|to|outside|inside|across|around|off|north|south|east|west|of)"
    r" (?:the )?(?:\w+ ){0,2}[A-Z]\w+"
)
_CAUSE = re.compile(
    r"\b(?:because|due to|owing to|after|as a result|in response|response to|retaliat\w+|so that|"
    r"in order|led to|caused?|blam\w+|reason|since|to (?:\w+ )?(?:prevent|protect|stop|avoid))\b",
    re.IGNORECASE,
)
_BLAME = re.compile(
    r"\b(?:blam\w+|accus\w+|responsib\w+|accountab\w+|perpetrat\w+|culprits?|claimed|behind|"
    r"attribut\w+|(?<!not )(?:carried out|conducted|launched|fired|committed) by|known to have)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-Z][\w’'-]*[a-z][\w’'-]*|\b[A-Z]{2,}\b")
_QUOTATION = re.compile(r"[“\"].{8,}[”\"]", re.DOTALL)

_KINDS: tuple[tuple[Kind, str], ...] = (
    ("how_many", r"\bhow (?:many|much|old|long|far|large|big|tall|high|often)\b|\bwhat number\b"),
    ("when", r"\bwhen\b|\b(?:what|which) (?:day|date|time|year|month|week)\b"),
    ("where", r"\bwhere\b|\b(?:what|which) (?:city|country|place|town|province|state)\b"),
    (
        "quote",
        r"\bwhat (?:did|does|do|has|have)\b.*\b(?:say|said|tell|told|call|describe|respond)\b",
    ),
    (
        "blame",
        r"\bwho\b.*\b(?:blam\w+|accus\w+|responsib\w+|behind|perpetrat\w+|claimed|carried out|"
        r"conducted|launched|fired|committed)\b",
    ),
    (
        "who",
        r"\bwho(?:se|m)?\b|\b(?:what|which) (?:group|person|man|woman|general|militia|team|"
        r"company|organi[sz]ation|player|leader|minister|official)s?\b|\bname of\b",
    ),
    ("why", r"\bwhy\b|\bwhat (?:caused|led|prompted)\b|\breasons?\b"),
)

_ALSO = r"^\W*(?:and |but |so |then |please |can you |could you )*"
# “Which bases”, “what were the names”: a plural is asked for, “which news” is not one.
_PLURAL = r"(?:\w+ ){0,3}?(?!news\b|series\b|species\b|means\b|status\b)\w{2,}[^\Ws]s\b"
_SHAPES: tuple[tuple[Shape, re.Pattern[str]], ...] = (
    ("account", re.compile(
        _ALSO + r"(?:what (?:has |have )?(?:just )?happened|what (?:do we|is) know|"
        r"summari[sz]e|sum up|tell (?:me|us) (?:more )?about|describe (?:what|how|the)|"
        r"give (?:me|us) (?:a |an )?(?:summary|overview|timeline|account)|"
        r"what(?:['’]s| is| was) the (?:story|latest|timeline)|"
        r"how did (?!.*\bdie\b).*\b(?:respond|react|answer|unfold|happen|develop)|"
        r"explain (?:what|how)\b)"
    )),
    ("reason", re.compile(_ALSO + r"(?:why\b|how come\b|for what reason|explain why|"
        r"what (?:were|are) the reasons)")),
    ("list", re.compile(
        _ALSO + r"(?:(?:list|name|enumerate) (?:all |some |the |three |two )|"
        r"(?:which|what) (?:\w+ ){0,3}?(?:two|three|four|five|countries|people|groups|cities|bases|"
        r"men|women)\b|what (?:were|are) the (?:\w+ )?names of the \w+s\b|"
        r"who (?:were|are) (?:the|all|killed|among)\b|"
        rf"which {_PLURAL} (?:were|are|did|do|have|had|has|was)\b)"
    )),
    ("yes_no", re.compile(
        _ALSO + r"(?:did|does|do|is|are|was|were|has|have|had|can|could|will|would|should)"
        r"(?:n['’]t)?\b(?!.*\bor\b)"
    )),
)  # fmt: skip

_EMPTY_WORDS = frozenset(
    (
        "a an the of in on at to for from by with and or but so as is are was were be been did "
        "do does has have had who whom whose what which when where why how many much long often "
        "can could will would should may might must not no yes also else about there then it its "
        "they them their he him his she her hers this that these those any some tell me us you i "
        "we happen happened"
    ).split()
)

# Words that newspapers use for the same thing. A question that says "blamed" is answered by a
# sentence that says "carried out by", which neither stems nor small vectors know.
_FAMILIES = (
    "blamed blame accused accuse responsible responsibility accountable behind perpetrators "
    "carried attributed fault culprit claimed conducted suspected",
    "killed killing died dead deaths dies fatal fatalities casualties toll victims slain murdered",
    "wounded injured hurt injuries wounds casualties",
    "attack attacked strike struck raid assault barrage bombing bombed shelling hit rockets",
    "said says told announced stated declared added warned according statement comment respond",
    "won win beat defeated victory winner",
    "begin began start started opened launched",
    "ended end finished closed over",
    "cost price worth paid pay dollars pounds euros",
    "leave left withdraw withdrew pull departed exit",
    "approved approve voted passed backed agreed",
    "arrested detained held custody jailed",
    "fire blaze wildfire burned",
    "explosion blast exploded blew",
    "postponed delayed rescheduled moved",
    "head chief leader commander chairman president director boss",
)


def content_words(question: str) -> list[str]:
    """Return the words that say what `question` is about, in order and as they are written."""
    words = re.findall(r"\w[\w’'.-]*\w|\w", question)
    return [word for word in words if word.lower() not in _EMPTY_WORDS]


def kind_of(question: str) -> Kind:
    """Return what `question` asks for, by its first asking word; `other` when there is none."""
    lowered = question.lower()
    found = [(m.start(), kind) for kind, pattern in _KINDS if (m := re.search(pattern, lowered))]
    # min keeps the order of _KINDS where two begin at the same word.
    return min(found, key=lambda item: item[0])[1] if found else "other"


def shape_of(question: str) -> Shape:
    """Return the form that an answer takes.

    one thing, a list of things, yes or no, a reason in sentences, an account of what happened.
    """
    lowered = " ".join(question.lower().split())
    return next((shape for shape, pattern in _SHAPES if pattern.search(lowered)), "one")


def holds(kind: Kind, sentence: str, asked: frozenset[str]) -> bool | None:
    """Return whether `sentence` has something of that kind beyond the question's own words.

    `asked` holds the question's words in lower case. None when any sentence would do.
    """
    match kind:
        case "blame":
            return _BLAME.search(sentence) is not None
        case "who":
            return any(m.group().lower() not in asked for m in _NAME.finditer(sentence, 1))
        case "how_many":
            return any(m.group().lower() not in asked for m in _NUMBER.finditer(sentence))
        case "when":
            return any(m.group().lower() not in asked for m in _TIME.finditer(sentence))
        case "where":
            return _PLACE.search(sentence) is not None
        case "why":
            return _CAUSE.search(sentence) is not None
        case "quote":
            return _QUOTATION.search(sentence) is not None
        case "other":
            return None


def families(stems_of: Callable[[str], Sequence[str]]) -> dict[str, frozenset[str]]:
    """Return stem -> the other stems that news uses in its place. `stems_of` stems a text."""
    related: dict[str, frozenset[str]] = {}
    for family in _FAMILIES:
        stems = frozenset(stems_of(family))
        for stem in stems:
            related[stem] = related.get(stem, frozenset()) | stems - {stem}
    return related
