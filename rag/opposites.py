"""Words that news uses one against the other.

>>> sorted(opposites(stem("increased")))[:3]
['cut', 'declin', 'decreas']
"""

from functools import lru_cache

from rag.lexical import stem

# Left against right; within a side the words may stand for each other.
_SIDES = (
    ("increase increased rise rose risen raise raised grow grew growth gain gained climb climbed "
     "surge surged jump jumped expand expanded up higher",
     "decrease decreased decline declined fall fell fallen drop dropped reduce reduced cut shrink "
     "lower lowered slump plunge plunged down"),
    ("win won victory defeated beat", "lose lost defeat loss"),
    ("accept accepted approve approved agree agreed back backed support supported endorse favor",
     "reject rejected refuse refused oppose opposed deny denied criticize criticized"),
    ("allow allowed permit permitted legal", "ban banned forbid prohibit prohibited illegal"),
    ("arrive arrived enter entered join joined", "leave left depart departed quit exit"),
    ("begin began start started open opened launch launched",
     "end ended stop stopped close closed finish finished halt cancel canceled cancelled"),
    ("before earlier", "after later"),
    ("more most", "less fewer least fewest"),
    ("above over", "below under"),
    ("first", "last"),
    ("best better", "worst worse"),
    ("success succeed succeeded successful", "failure fail failed unsuccessful"),
    ("guilty convicted", "innocent acquitted cleared"),
    ("arrested detained jailed held", "released freed"),
    ("attack attacked", "defend defended defense"),
    ("buy bought purchase purchased", "sell sold sale"),
    ("confirm confirmed", "deny denied"),
    ("dead died killed", "alive survive survived"),
    ("include including included", "exclude excluding excluded except"),
    ("large larger largest big bigger biggest high highest major",
     "small smaller smallest low lowest minor"),
    ("long longer longest", "short shorter shortest"),
    ("male man men husband father son brother boy king",
     "female woman women wife mother daughter sister girl queen"),
    ("north northern", "south southern"),
    ("east eastern", "west western"),
    ("old older oldest", "young younger youngest new"),
    ("possible likely able", "impossible unlikely unable"),
    ("positive optimistic strong stronger", "negative pessimistic weak weaker"),
    ("profit profits", "loss losses"),
    ("public", "private secret"),
    ("remember", "forget forgot"),
    ("rich", "poor"),
    ("safe", "dangerous unsafe"),
    ("same similar", "different"),
    ("send sent give gave", "receive received get got"),
    ("love loved like liked enjoy", "hate hated dislike disliked"),
    ("true", "false"),
    ("peace", "war"),
    ("with", "without"),
    ("always", "never"),
    ("all every", "none no few some"),
    ("hot warm", "cold cool"),
    ("easy easier", "difficult hard harder"),
    ("fast faster quick quickly", "slow slower slowly"),
    ("improve improved", "worsen worsened deteriorate"),
    ("democrat democratic democrats", "republican republicans"),
    ("majority", "minority"),
    ("maximum", "minimum"),
    ("domestic", "foreign international"),
    ("national", "local"),
    ("former", "current"),
    ("increase", "steady unchanged"),
    ("friend ally allies", "enemy enemies rival"),
    ("praise praised", "criticize criticized condemn condemned"),
)  # fmt: skip


def opposites(key: str) -> frozenset[str]:
    """Return the stems of what is said instead of `key` when the contrary is meant."""
    return _opposites().get(key, frozenset())


@lru_cache(maxsize=1)
def _opposites() -> dict[str, frozenset[str]]:
    against: dict[str, frozenset[str]] = {}
    for sides in _SIDES:
        left, right = (frozenset(map(stem, side.split())) for side in sides)
        for one, other in ((left, right), (right, left)):
            for key in one - other:
                against[key] = against.get(key, frozenset()) | (other - one)
    return against
