"""Closed lists of English words that show what a noun phrase is and where it ends.

>>> "handover" in EVENTS
True
"""

from typing import Literal

PARTICLES = frozenset("al el bin ibn van von der de la".split())
PLURALS = frozenset("people men women children police troops aircraft staff both".split())
DETERMINERS = frozenset("a an the".split())
PREPOSITIONS = frozenset("on at near between against for around inside outside among in".split())
AUXILIARIES = frozenset(
    "do does did can could will would shall should may might must don't didn't doesn't".split()
)
FUNCTION = frozenset(
    (
        "of in on at to for from by with about between against near over after before during into "
        "through under among around inside outside since until without within behind beyond as "
        "than like and or but so if because while although whether not no yes also else too very "
        "i you he she it we they me him her us them my your his its our their hers theirs mine "
        "myself itself himself herself themselves this that these those there here then now who "
        "whom whose what which when where why how is are was were be been being am has have had "
        "having do does did can could will would shall should may might must don't didn't doesn't "
        "isn't aren't wasn't weren't won't can't couldn't what's what’s who's who’s where's how's "
        "it's that's there's a an the some any each every all both many much more most few other "
        "another others such just only even still yet again ever never long far often up down off "
        "out away back ago oh ok okay please well exactly anyone someone anything something one "
        "ones together according"
    ).split()
)
VERBS = frozenset(
    (
        "abolish affect become became celebrate conduct consider describe enable evolve introduce "
        "reduce relieve require select support survive transition carry carried "
        "be begin began believe bring brought build built buy bought call cause "
        "causes caused choose chose chosen come came compare compete contribute cook cost create "
        "cut deny describe develop die differ discover do eat encounter end explain fall fell feel "
        "find found fire fit get give gave given go goes gone got govern grow grew happen happens "
        "hear heard help hit hold held hurt improve influence is keep kept kill know known land "
        "launch lead leads led leave left let like live lose lost love made make makes mean means "
        "meet met move need open own owns pay paid play prevent propose put reach read receive "
        "recover relate replace report run runs ran said say says see seen sell sold send sent "
        "serve set shoot shot show shut sign sit speak spend spread stand start stay stop stopped "
        "saw felt form born drawn proposed strike struck take takes taken took teach tell "
        "think thought told treat try understand "
        "use used visit want win won work works worry write wrote do doing done summon chair chairs"
    ).split()
)
ADJECTIVES = frozenset(
    (
        "able bad best better big cheap common curable dangerous dead different difficult early "
        "easy endangered expensive famous free good great hard harder healthy high important large "
        "late legal likely low main necessary new old popular possible real reliable rich safe "
        "same serious similar small special successful sure tall true unique unusual useful worth "
        "worse worst young british american"
    ).split()
)
TITLES = frozenset(
    "mr mrs ms dr sir lord lady gen col lt maj sgt capt general colonel corporal sergeant captain "
    "lieutenant specialist president minister chancellor governor senator mayor councillor king "
    "queen prince princess pope secretary judge professor ambassador king queen".split()
)
PEOPLE = frozenset(
    "man woman boy girl child mother father son daughter brother sister wife husband actor actress "
    "singer author writer artist player captain coach manager scorer director chairman chairwoman "
    "chairperson chief leader commander soldier medic officer general airman pilot engineer doctor "
    "nurse teacher student politician lawmaker official spokesman spokeswoman spokesperson "
    "president minister chancellor governor senator mayor councillor king queen prince conductor "
    "composer keeper victim suspect attacker gunman reporter journalist scientist researcher head "
    "owner founder nominee candidate winner predecessor successor driver contractor".split()
)
SHE = frozenset(
    "mrs ms lady queen princess woman girl mother daughter sister wife actress chairwoman "
    "spokeswoman mary anna anne emma sarah laura julia maria helen helena elizabeth margaret susan "
    "jennifer linda patricia barbara jane kate alice olivia sophie charlotte hannah ruth nancy "
    "angela hillary kamala theresa joan sheila gloria amy lisa karen fiona diana rachel".split()
)
HE = frozenset(
    "mr sir lord king prince man boy father son brother husband actor chairman spokesman gunman "
    "airman john james robert michael david william richard joseph thomas charles daniel matthew "
    "mark paul steven andrew george kevin brian edward peter donald boris vladimir barack joe bill "
    "mohammed muhammad ali ahmed hassan frank gordon derek liam martin simon bruce elon".split()
)
GROUPS = frozenset(
    "group militia army party parliament council committee government company firm team club "
    "union ministry department agency police force forces coalition alliance bloc bank court "
    "senate congress navy orchestra trust board association organization organisation authority "
    "gang network troops fighters band crew family pentagon nato nasa hezbollah hamas state "
    "taliban isis un eu fc rovers united athletic observatory senators".split()
)
PLACES = frozenset(
    "city town village country province region district state island river canal street bridge "
    "port airport base camp park museum library hospital school university valley mountain ridge "
    "coast border crater station stadium square building area capital afghanistan algeria america "
    "argentina australia austria bahrain bangladesh belgium brazil britain bulgaria california "
    "canada chile china colombia croatia cuba cyprus denmark egypt england ethiopia europe finland "
    "florida france georgia germany ghana greece hungary iceland india indonesia iran iraq ireland "
    "israel italy japan jordan kenya korea kuwait lebanon libya malaysia mexico morocco myanmar "
    "nepal netherlands nigeria norway oklahoma oman pakistan panama peru philippines poland "
    "portugal qatar romania russia scotland serbia singapore somalia spain sudan sweden "
    "switzerland syria taiwan tanzania texas thailand tunisia turkey uganda ukraine utah venezuela "
    "vietnam wales washington yemen zimbabwe africa asia baghdad beijing beirut berlin boston "
    "cairo chicago damascus dubai geneva gaza istanbul kabul kyiv london madrid moscow mosul paris "
    "rome seattle seoul sydney tehran tokyo vienna".split()
)
EVENTS = frozenset(
    "attack attacks strike strikes raid raids explosion blast bombing shooting fire blaze wildfire "
    "war battle crash accident collapse election elections vote referendum match game games final "
    "olympics cup tournament festival concert ceremony talks meeting summit trial protest protests "
    "riot earthquake flood storm hurricane pandemic outbreak epidemic handover transfer landing "
    "launch closure delay strike expedition incident event killing death murder kidnapping "
    "barrage salvo operation campaign invasion crisis".split()
)
MONTHS = frozenset(
    "january february march april may june july august september october november december monday "
    "tuesday wednesday thursday friday saturday sunday today yesterday tomorrow tonight morning "
    "evening night week month year years months weeks days".split()
)
DATES = MONTHS - frozenset("morning evening night".split())
NUMBERS = frozenset(
    "zero one two three four five six seven eight nine ten eleven twelve dozen hundred thousand "
    "million billion half quarter third".split()
)
BY_HEAD: tuple[tuple[Literal["event", "person", "group", "place"], frozenset[str]], ...] = (
    ("event", EVENTS),
    ("person", PEOPLE),
    ("group", GROUPS),
    ("place", PLACES),
)
