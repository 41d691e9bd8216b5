"""A gold set drafted from articles, for somebody to read, mend and cut: no model, no network.

>>> [case] = draft([article], questions=1, seed=0)
>>> (case.question, case.answers, case.reviewed)
('How many homes did the fire in Redpine destroy?', ('40',), False)

The questions are spread over the articles and over the kinds of question. A fifth of them ask what
no article answers: a drafted question whose person or place is swapped for one that no article
names.
"""

import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from evals.cases import UNREVIEWED, Case
from evals.gold.drafted import Drafted
from evals.gold.names import full_name
from evals.gold.questions import questions as made_of
from rag.lexicon import DATES, PLACES
from rag.tokens import tokenize
from rag.types import Article

PROVENANCE = f"drafted by dateline eval init, {UNREVIEWED}"
_UNANSWERABLE = 5
# Articles looked at for each question: many have no sentence that makes one.
_ARTICLES_EACH = 8
_LEAST_ARTICLES = 100
_NUMBERED = re.compile(r"\s\d")
# Made up; one that stands in the archive all the same is passed over.
_FIRST_NAMES = "Marlow Idra Osbert Tamsin Corwin Petra Lucan Maude Alaric Nerys".split()
_SURNAMES = (
    "Tennick Quennell Valdane Orreby Hasleck Wyndlow Ferrity Stanbrick Pellow Cauldry".split()
)
INVENTED_PLACES = (
    "Ostrelle Quarrowmere Velmark Tarnhollow Brusanne Kestermoor Lindavre Pellorin Morvaine "
    "Sandrith Altenbrae Corravale Dunmerrick Esterholt Fenwarren Glasmoor Hollenbeck Isvarra "
    "Jorsund Kelmarsh"
).split()


class _Found(NamedTuple):
    article_id: str
    drafted: Drafted


def draft(articles: Iterable[Article], *, questions: int, seed: int) -> list[Case]:
    """Return at most `questions` cases about `articles`, the same ones for the same seed.

    The articles are read once and need not fit into the memory.
    """
    rng = random.Random(seed)  # noqa: S311 - not for secrets
    size = max(_LEAST_ARTICLES, _ARTICLES_EACH * questions)
    sample, words = _sample(articles, size, rng)
    pools = [[_Found(a.article_id, one) for one in made_of(a.text)] for a in sample]
    unique = _unique(pools)
    wanted = questions - questions // _UNANSWERABLE
    answered = list(_spread(unique, wanted, rng))
    strangers = _swapped(unique, answered, words, rng)
    unanswered = [case for case, _ in zip(strangers, range(questions - wanted), strict=False)]
    return [*map(_case, answered), *unanswered]


def _sample(
    articles: Iterable[Article], size: int, rng: random.Random
) -> tuple[list[Article], set[str]]:
    """Return some of `articles`, each as likely as another, and every word of all of them.

    Source: reservoir sampling, algorithm R (Vitter, ACM TOMS 11, 1985).
    """
    kept: list[Article] = []
    words: set[str] = set()
    for count, article in enumerate(articles):
        words.update(re.findall(r"\w+", f"{article.title} {article.text}".lower()))
        if len(kept) < size:
            kept.append(article)
        elif (place := rng.randrange(count + 1)) < size:
            kept[place] = article
    rng.shuffle(kept)
    return kept, words


def _unique(pools: Sequence[Sequence[_Found]]) -> list[list[_Found]]:
    """Return the pools without questions that stand in two articles, or twice in one."""
    times: Counter[str] = Counter()
    for pool in pools:
        times.update({one.drafted.question.lower() for one in pool})
    found = []
    for pool in pools:
        once = {one.drafted.question.lower(): one for one in reversed(pool)}
        kept = [one for question, one in reversed(once.items()) if times[question] == 1]
        found.append(kept)
    return found


def _spread(pools: Sequence[Sequence[_Found]], wanted: int, rng: random.Random) -> Iterator[_Found]:
    """Yield `wanted` questions, one an article in turn, of the kind that is rarest so far."""
    left = [rng.sample(list(pool), len(pool)) for pool in pools]
    kinds: Counter[str] = Counter()
    while wanted and any(left):
        for pool in filter(None, left):
            if not wanted:
                return
            chosen = min(pool, key=lambda one: kinds[_sort(one)])
            # One sentence makes one question.
            pool[:] = [one for one in pool if one.drafted.quote != chosen.drafted.quote]
            kinds[_sort(chosen)] += 1
            wanted -= 1
            yield chosen


def _sort(found: _Found) -> str:
    # Ages are plenty and all alike: together with numbers they are as rare as other kinds.
    return found.drafted.kind.removesuffix("_old").removesuffix("_many")


def _swapped(
    pools: Sequence[Sequence[_Found]],
    taken: Sequence[_Found],
    words: set[str],
    rng: random.Random,
) -> Iterator[Case]:
    """Yield questions that no article answers, made of those that were not `taken` first."""
    free = [one for pool in pools for one in pool if one not in taken]
    first, last, places = (
        [name for name in made_up if name.lower() not in words]
        for made_up in (_FIRST_NAMES, _SURNAMES, INVENTED_PLACES)
    )
    names = {"person": [f"{one} {other}" for one in first for other in last], "place": places}
    order = [*rng.sample(free, len(free)), *rng.sample(list(taken), len(taken))]
    # Ages come last: whoever is not there has none, which is soon told.
    for one in sorted(order, key=lambda one: one.drafted.kind == "how_old"):
        key = _key(one.drafted)
        if key is None or not names[key[1]]:
            continue
        text, kind = key
        stranger = names[kind].pop(rng.randrange(len(names[kind])))
        question = one.drafted.question.replace(text, stranger)
        yield Case(
            id=_id(question),
            question=question,
            answerable=False,
            slice="unanswerable_near",
            provenance=PROVENANCE,
        )


def _key(drafted: Drafted) -> tuple[str, str] | None:
    """Return the person or place that a question is about, and which of both it is."""
    question = drafted.question
    tokens = tokenize(question)
    if drafted.kind == "quote":
        return None
    for last in range(len(tokens) - 1, 0, -1):
        first = last
        while first > 1 and tokens[first - 1].capital:
            first -= 1
        if not tokens[last].capital or (last + 1 < len(tokens) and tokens[last + 1].capital):
            continue
        name = question[tokens[first].start : tokens[last].end]
        before = tokens[first - 1].lower
        where = before in ("in", "at", "near") and not _NUMBERED.match(question, tokens[last].end)
        # “The mayor of Redpine?”
        where = where or (before == "of" and first == last == len(tokens) - 2)
        if where or {word.lower() for word in name.split()} <= PLACES:
            # “in March” and “at CNN” are no places.
            if tokens[first].lower not in DATES and not name.isupper():
                return name, "place"
        elif (
            # “The founder of Two Words” and “Two Words of Fame” are hardly somebody's.
            before not in ("of", "on", "for", "the")
            and not question.startswith(" of ", tokens[last].end)
            and full_name(question, tokens[first : last + 1]) == name
        ):
            return name, "person"
    return None


def _case(found: _Found) -> Case:
    drafted = found.drafted
    return Case(
        id=_id(drafted.question),
        question=drafted.question,
        answers=drafted.answers,
        must_include=_must_include(drafted),
        relevant_article_ids=(found.article_id,),
        quotes=(drafted.quote,),
        answerable=True,
        slice=drafted.kind,
        provenance=PROVENANCE,
    )


def _must_include(drafted: Drafted) -> tuple[str, ...]:
    """Return what an answer must hold: a surname will do for a name.

    Nothing for a number: “6” stands in “2016”, so it is compared by whole words of `answers`.
    """
    if drafted.kind in ("how_many", "how_old"):
        return ()
    [answer] = drafted.answers
    surname = answer.split()[-1]
    return (surname if drafted.kind != "when" and len(surname) > 4 else answer,)


def _id(question: str) -> str:
    return f"draft-{hashlib.sha256(question.encode()).hexdigest()[:8]}"
