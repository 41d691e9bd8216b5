"""News-shaped passages made by rule, with questions on them: who is blamed, who says so, how many.

>>> story(random.Random(0)).question
'who was blamed for the Karsa bombing'

SQuAD and QAMR hardly ask for blame, for the one who speaks or for one of two numbers that stand
side by side; reporters ask little else. Places, groups and outlets mix real countries with invented
names, so that the weights learn the relation and not the facts.
"""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rag.training.groups import Group, Labelled

_NATIONS = (
    "Iraq Syria Egypt Kenya Mexico Spain France Russia Ukraine Turkey Pakistan India Nigeria "
    "Somalia Colombia Brazil Indonesia Thailand Libya Yemen Israel Jordan Japan Italy Canada"
).split()
_ADJECTIVES = (
    "Iraqi Syrian Egyptian Kenyan Mexican Spanish French Russian Ukrainian Turkish Pakistani "
    "Indian Nigerian Somali Colombian Brazilian Indonesian Thai Libyan Yemeni Israeli American "
    "British German Chinese"
).split()
_PLACES = (
    "Karsa Belmora Tavrin Oshawa Delmar Quetta Mombasa Aleppo Basra Homs Odessa Valparaiso Lahore "
    "Kismayo Benghazi Aden Marawi Cali Ankara Tripoli Nablus Volgograd Peshawar Maiduguri Palu "
    "Sirte Hebron Kandahar Mosul Leeds Malmo Dresden Fallon Brookhaven Eastport"
).split()
_FIRST = (
    "Maria Ahmed John Elena Viktor Amina Carlos Fatima Peter Grace Omar Lucia Dmitri Hannah "
    "Samuel Leila Robert Ngozi Tomas Ingrid Khalid Susan David Yusuf"
).split()
_LAST = (
    "Okafor Petrov Hassan Silva Morgan Keller Rahman Lopez Novak Haddad Brooks Ivanova Mensah "
    "Castillo Yilmaz Larsen Chaudhry Walsh Moreau Tanaka Stone Abadi Fischer Reyes"
).split()
_OFFICES = (
    "Defense Minister,Interior Minister,Gen.,Col.,police chief,Prime Minister,President,Sen.,"
    "Gov.,Mayor,spokesman,spokeswoman,Foreign Minister,prosecutor,Lt. Gen.,Secretary of State"
).split(",")
_BODIES = (
    "the Pentagon,the State Department,the United Nations,Human Rights Watch,the military,police,"
    "the Interior Ministry,the White House,the army,NATO,the government,investigators,"
    "state television,the mayor's office,a U.S. official,local officials,Amnesty International,"
    "intelligence officials,the Foreign Ministry,prosecutors,the Kremlin,the coalition"
).split(",")
_GROUPS = (
    "the Red Falcons,Sons of the Valley,the Northern Front,al-Nur Brigades,the People's Shield,"
    "Jaish al-Sahra,the Liberation Army of the South,Black Cedar,the Eastern Resistance,"
    "Boko Haram,al-Shabab,the Taliban,ETA,the FARC,Islamic State,Hamas,al Qaeda,the Tamil Tigers,"
    "Maoist rebels,Kurdish separatists,Shiite militias,Sunni insurgents,a local drug cartel,"
    "right-wing extremists,Chechen rebels,government forces,Iran-backed militias,"
    "Russian-backed fighters,a former employee,pro-government gunmen,Somali pirates,"
    "militia groups,anarchists,a splinter faction,the Zeta cartel,Islamist militants"
).split(",")
_CULPRITS = (
    "human error,a faulty valve,Chinese hackers,the pilot,the operator,a contractor,faulty wiring,"
    "bad weather,the driver,poor maintenance,a gas leak,a software update,the builder,"
    "Northline Energy,a disgruntled worker,metal fatigue,the airline,the regulator,arsonists"
).split(",")
_VIOLENT = (
    "attack,bombing,rocket attack,ambush,shooting,raid,suicide bombing,car bombing,air strike,"
    "massacre,kidnapping,assault,mortar attack,drone strike,assassination,grenade attack"
).split(",")
_ACCIDENTS = (
    "crash,fire,explosion,oil spill,blackout,derailment,data breach,collapse,outage,cyberattack,"
    "wildfire,flood,delay,shutdown,poisoning,power failure,ferry accident,bridge collapse"
).split(",")
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_MONTHS = "January February March April May June July August September October November".split()
_TARGETS = (
    "a military base,an army convoy,a crowded market,a police station,a hotel,a checkpoint,"
    "a school,an oil refinery,a bus,a mosque,the airport,an embassy,a prison,a power plant,"
    "a rail station"
).split(",")
_WORDS = "two three four five six seven eight nine ten eleven twelve fifteen twenty".split()


class Fact(NamedTuple):
    """A sentence, the questions it answers, and with which of its words."""

    sentence: str
    asked: tuple[tuple[str, str], ...]


class _Event(NamedTuple):
    """What a story is about; `name` carries an article, `bare` does not."""

    kind: str
    place: str
    violent: bool
    name: str
    bare: str


def story(rng: random.Random) -> Group:
    """Return a passage of three to seven sentences about one event, and a question on it.

    In one of six the sentence that would answer is left out.
    """
    event = _event(rng)
    facts = _facts(event, rng)
    chosen = rng.choices(range(len(facts)), weights=[4, 2, 2, 1, 1, 1])[0]
    fact = facts[chosen]
    question, answer = rng.choice(fact.asked)
    others = [f.sentence for i, f in enumerate(facts) if i != chosen and rng.random() < 0.55]
    others += rng.sample(_noise(event, rng), k=rng.randint(1, 3))
    rng.shuffle(others)
    label = None
    if rng.random() >= 1 / 6:
        at = rng.randint(0, len(others))
        others.insert(at, fact.sentence)
        start = sum(len(s) + 1 for s in others[:at]) + fact.sentence.index(answer)
        label = Labelled(0, start, start + len(answer))
    return Group(_spoken(question, rng), (" ".join(others),), label)


def _event(rng: random.Random) -> _Event:
    violent = rng.random() < 0.7
    kind = rng.choice(_VIOLENT if violent else _ACCIDENTS)
    place = rng.choice(_PLACES)
    name = rng.choice(
        (f"the {place} {kind}", f"the {kind} in {place}", f"the {kind} near {place}")
        + ((f"the {kind} on {rng.choice(_TARGETS)} in {place}",) if violent else ())
    )
    return _Event(kind, place, violent, name, f"the {place} {kind}")


def _facts(event: _Event, rng: random.Random) -> list[Fact]:
    speaker = _speaker(rng)
    return [
        _blame(event, speaker, rng),
        _attribution(event, rng),
        _casualties(event, rng),
        _date(event, rng),
        _denial(event, rng),
        _record(event, rng),
    ]


def _blame(event: _Event, speaker: str, rng: random.Random) -> Fact:
    culprit = rng.choice(_GROUPS if event.violent else _CULPRITS)
    e, c, s = rng.choice((event.name, event.bare)), culprit, speaker
    cap = _capital
    plain = (
        f"{cap(s)} blamed {c} for {e}.",
        f"{cap(s)} said {e} was the work of {c}.",
        f"{cap(e)} was blamed on {c}.",
        f"{cap(c)} would be held accountable for {e}, {s} said.",
        f"{cap(s)} pointed the finger at {c} for {e}.",
        f"{cap(s)} attributed {e} to {c}.",
        f"Responsibility for {e} lies with {c}, {s} told reporters.",
        f"{cap(e)} was caused by {c}, {s} said.",
        f"{cap(s)} said that {c} was behind {e}.",
        f"An inquiry found {c} responsible for {e}.",
    )
    armed = (
        f"{cap(s)} said {e} was carried out by {c}.",
        f"{cap(c)}, the only group known to have fired such weapons at {event.place}, "
        f"is thought to be behind {e}.",
        f"The only group known to have attacked {event.place} before is {c}, {s} said.",
        f"{cap(e)} bore the hallmarks of {c}, according to {s}.",
        f"{cap(c)} claimed responsibility for {e}.",
        f"{cap(s)} accused {c} of carrying out {e}.",
        f"Suspicion for {e} fell on {c}.",
        f"{cap(s)} said there was no doubt that {c} had launched {e}.",
        f"{cap(s)} vowed that {c} would pay for {e}.",
        f"The {event.kind} was conducted by {c}, {s} said, adding that they must be held "
        "accountable.",
        f"{cap(s)} believes {c} carried out the {event.kind}.",
    )
    sentence = rng.choice(plain + armed * 2 if event.violent else plain)
    answer = c if c in sentence else cap(c)
    who = "which group" if event.violent and rng.random() < 0.2 else "who"
    asked = [
        (f"who was blamed for {event.bare}", answer),
        (f"who was blamed for {event.name}", answer),
        (f"who is being blamed for the {event.kind}", answer),
        (f"{who} was behind {event.name}", answer),
        (f"{who} is responsible for {event.bare}", answer),
        (f"who was held responsible for {event.name}", answer),
        (f"who is accused of {event.bare}", answer),
    ]
    if event.violent:
        asked += [
            (f"who carried out {event.bare}", answer),
            (f"{who} carried out {event.name}", answer),
            (f"who attacked {event.place}", answer),
        ]
    else:
        asked += [(f"what caused {event.name}", answer), (f"what is blamed for {e}", answer)]
    said = s if s in sentence else cap(s)
    if said in sentence:
        asked += [(f"who blamed {c} for {event.bare}", said), (f"who said {c} was to blame", said)]
    return Fact(sentence, tuple(asked))


def _attribution(event: _Event, rng: random.Random) -> Fact:
    """Return who says something about the event that anyone might have said."""
    speaker = _speaker(rng)
    claim, about = rng.choice(
        (
            ("the threat had not passed", "whether the threat had passed"),
            ("the victims were mostly civilians", "who the victims were"),
            (f"{event.name} could have been prevented", f"that {event.bare} was preventable"),
            ("more troops would be sent", "that more troops would be sent"),
            ("the inquiry would take months", "that the inquiry would take months"),
            ("the area was now under control", "that the area was under control"),
            ("hospitals were running out of blood", "that hospitals were short of blood"),
            ("the motive was not yet known", "that the motive was unknown"),
        )
    )
    sentence, answer = rng.choice(
        (
            (f"{_capital(claim)}, {speaker} said.", speaker),
            (f"{_capital(claim)}, according to {speaker}.", speaker),
            (f"{_capital(speaker)} said {claim}.", _capital(speaker)),
            (f"{_capital(speaker)} told reporters that {claim}.", _capital(speaker)),
            (f"In a statement, {speaker} said {claim}.", speaker),
            (f"{_capital(speaker)} warned that {claim}.", _capital(speaker)),
        )
    )
    questions = (
        f"who said {claim}",
        f"according to whom {claim}",
        f"who says {claim}",
        f"who said something {about}",
    )
    quoted = sentence[sentence.lower().index(claim.lower()) :][: len(claim)]
    said = (f"what did {speaker} say about {event.bare}", quoted)
    return Fact(sentence, (*((q, answer) for q in questions), said))


def _casualties(event: _Event, rng: random.Random) -> Fact:
    killed, wounded = rng.sample(range(2, 90), 2)
    dead = rng.choice(_WORDS) if rng.random() < 0.4 else str(killed)
    hurt = rng.choice(_WORDS) if rng.random() < 0.3 else str(wounded)
    if dead == hurt:
        hurt = str(wounded)
    who = rng.choice(("people", "soldiers", "civilians", "officers", "passengers", "workers"))
    hurting = rng.choice(("wounded", "injured"))
    e = rng.choice((event.name, event.bare))
    sentence = rng.choice(
        (
            f"{_capital(e)} killed {dead} {who} and {hurting} {hurt} others.",
            f"At least {dead} {who} were killed and {hurt} {hurting} in {e}.",
            f"{_capital(dead)} {who} died in {e}, and {hurt} more were {hurting}.",
            f"{_capital(hurt)} people were {hurting} in {e}, which left {dead} {who} dead.",
            f"The death toll from {e} rose to {dead}, with {hurt} still in hospital {hurting}.",
        )
    )
    first = dead if dead in sentence.split() else _capital(dead)
    second = hurt if hurt in sentence.split() else _capital(hurt)
    asked = (
        (f"how many {who} were killed in {event.bare}", first),
        (f"how many people died in {event.name}", first),
        (f"what was the death toll of {event.bare}", first),
        (f"how many were {hurting} in {event.bare}", second),
        (f"how many people were hurt in {event.name}", second),
    )
    return Fact(sentence, tuple((q, a) for q, a in asked if a in sentence))


def _date(event: _Event, rng: random.Random) -> Fact:
    when = rng.choice(
        (
            rng.choice(_DAYS),
            f"{rng.choice(_MONTHS)} {rng.randint(1, 28)}",
            f"{rng.choice(_MONTHS)} {rng.randint(1, 28)}, {rng.randint(1985, 2023)}",
            f"{rng.choice(_DAYS)} night",
        )
    )
    sentence = rng.choice(
        (
            f"{_capital(event.name)} happened on {when}.",
            f"On {when}, {event.name} shocked the nation.",
            f"The {event.kind} took place on {when} in {event.place}.",
        )
    )
    asked = (
        (f"when did {event.bare} happen", when),
        (f"when was {event.name}", when),
        (f"on what day did the {event.kind} take place", when),
    )
    return Fact(sentence, asked)


def _denial(event: _Event, rng: random.Random) -> Fact:
    denier = rng.choice(_GROUPS)
    sentence = rng.choice(
        (
            f"{_capital(denier)} denied any role in {event.bare}.",
            f"{_capital(denier)} said it had nothing to do with {event.name}.",
        )
    )
    answer = _capital(denier)
    return Fact(sentence, ((f"who denied involvement in {event.bare}", answer),))


def _record(event: _Event, rng: random.Random) -> Fact:
    name = _person(rng)
    role = rng.choice(("witness", "survivor", "shopkeeper", "doctor", "teacher", "resident"))
    quote = rng.choice(
        (
            "the ground shook",
            "there was smoke everywhere",
            "people were screaming and running",
            "I thought I was going to die",
            "we had no warning at all",
        )
    )
    sentence = f"“{_capital(quote)},” said {name}, a {role} in {event.place}."
    asked = (
        (f"what did {name} say", _capital(quote)),
        (f"who said {quote}", name),
        (f"which {role} described {event.bare}", name),
    )
    return Fact(sentence, asked)


def _noise(event: _Event, rng: random.Random) -> list[str]:
    """Return sentences close to an answer that are none."""
    other = _event(rng)
    nation = rng.choice(_NATIONS)
    speaker = _capital(_speaker(rng))
    return [
        f"{speaker} condemned {event.name}.",
        f"{nation}'s response to {event.bare} has been closely watched.",
        f"Washington weighed its response to the {event.kind}.",
        f"{speaker} declined to say who was responsible.",
        f"It was the {rng.choice(('second', 'third', 'fifth'))} {event.kind} in {event.place} "
        f"since {rng.choice(_MONTHS)}.",
        f"{_capital(rng.choice(_GROUPS))} was blamed for {other.bare} last year.",
        f"{_capital(other.bare)} killed {rng.randint(3, 60)} people in {rng.randint(1990, 2020)}.",
        f"{speaker} visited {event.place} and met the families of the victims.",
        f"{nation} offered help after {event.name}.",
        f"{speaker} called the {event.kind} a blatant violation of international law.",
        f"The response to {event.bare} was swift, with {rng.randint(2, 9)} sites hit.",
        f"Flags flew at half-staff in {event.place}.",
    ]


def _speaker(rng: random.Random) -> str:
    makers: Sequence[Callable[[], str]] = (
        lambda: rng.choice(_BODIES),
        lambda: f"{rng.choice(_OFFICES)} {_person(rng)}",
        lambda: f"{rng.choice(_ADJECTIVES)} {rng.choice(('officials', 'police', 'authorities'))}",
        lambda: f"{rng.choice(_NATIONS)}",
    )
    return rng.choice(makers)()


def _person(rng: random.Random) -> str:
    return f"{rng.choice(_FIRST)} {rng.choice(_LAST)}"


def _spoken(question: str, rng: random.Random) -> str:
    """Return the question as people type it: with or without a capital and a question mark."""
    if rng.random() < 0.5:
        question = _capital(question)
    return question + "?" if rng.random() < 0.6 else question


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
