"""Text for Slack that stays text: in mrkdwn, in the Markdown of streams, and cut to size. Pure.

>>> escape("<!channel> *R&D*")
'&lt;!channel&gt; ∗R&amp;D∗'
>>> unescape("<@U0DATELINE> is <https://ledger.example/a?b=1&amp;c=2> true?")
' is https://ledger.example/a?b=1&c=2 true?'

Articles say what they like. None of it may call people, become a link, or look like what we say.
Slack has an escape for `& < >` only, so what would format is written with characters that look the
same, and what would begin something is parted by a word joiner, which nobody sees.
"""

import re
from urllib.parse import urlsplit

from rag.sentences import sentence_spans

# As Slack's reference has it for the text of a section.
SECTION_CHARS = 3_000
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_JOINER = "\u2060"
_ALIKE = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
# Within a word it formats nothing: snake_case.
_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)|(?<=_)_|_(?=_)")
# Where Slack would make an address of it even without being asked to.
_ADDRESS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_EMOJI = re.compile(r":(?=(?:[^\W\d][\w+'-]*|[+-]1|100|1234):)")
# Marks that are no text: direction overrides, tags, and what cannot be encoded.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]"
)
# What begins a heading, list, quotation, table, rule or code at the start of a line.
_BEGINS = re.compile(r"^(?=[ \t]*(?:[#>=|+-]|\d+[.)])| {4}| {0,3}\t)", re.MULTILINE)
_PARTED = re.compile(
    r"""(?<=<)                         # a mention, tag or address
      | (?<=&)(?=\#?\w+;|\#?\w*\Z)     # an entity
      | (?<=\\)                        # an escape or a hard break
      | (?:(?<=\])|\A)(?=[(:])         # the address of a link
      | (?<=:)(?=/|\Z) | \A(?=//)      # http://
      | (?<=:)(?=[\w+'-]+\Z)           # an emoji
      | (?<=www)(?=\.|\Z)
      | (?<=[\w-]\.)(?=[^\W\d_]{2,}\b|\Z) # ledger.example
      | (?<=@)(?=\w|\Z)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_REFERENCE = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_TOKEN = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|.", re.DOTALL)


def escape(text: str) -> str:
    """Return `text` as mrkdwn that shows it and does nothing else."""
    plain = _EMOJI.sub("꞉", _plain(text))
    return as_typed(_ADDRESS.sub(_JOINER, re.sub(r"(?m)^(?=[ \t]*>)", _JOINER, plain)))


def markdown(text: str) -> str:
    """Return `text`, a piece of an answer, as the Markdown that `chat.appendStream` takes.

    Pieces may be cut anywhere: together they are text, too.
    """
    return _PARTED.sub(_JOINER, _BEGINS.sub(_JOINER, _EMOJI.sub("꞉", _plain(text))))


def as_typed(text: str) -> str:
    """Return `text` as Slack sends what a person typed; `unescape` gives it back unchanged."""
    return re.sub("[&<>]", lambda found: _ENTITIES[found[0]], text)


def unescape(text: str) -> str:
    """Return what a person wrote, from the mrkdwn that Slack makes of it; mentions are left out."""
    said = _REFERENCE.sub(_referred, text)
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def link(url: str | None, label: str) -> str:
    """Return `label`, escaped, as a link to `url` where that is a web address that Slack takes."""
    shown = " ".join(escape(label).split()).replace("|", "¦")
    if url is None or len(url) > SECTION_CHARS // 3 or re.search(r"[\s<>|\x00-\x1f\x7f]", url):
        return shown
    try:
        parts = urlsplit(url)
    except ValueError:
        return shown
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return shown
    return f"<{url.replace('&', '&amp;')}|{shown or escape(url)}>"


def size(text: str) -> int:
    """Return how long Slack may find `text`: it is not said whether an emoji is one or two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split(text: str, limit: int = SECTION_CHARS) -> list[str]:
    """Return escaped `text` in pieces of at most `limit`, cut between sentences where possible.

    A sentence that is longer is cut between words, a word at any character; never within an
    entity or a link.
    """
    pieces: list[str] = []
    starts = [start for start, _ in sentence_spans(text)][1:]
    for start, end in zip([0, *starts], [*starts, len(text)], strict=True):
        sentence = text[start:end]
        if pieces and size(pieces[-1]) + size(sentence.rstrip()) <= limit:
            pieces[-1] += sentence
        else:
            pieces += _cut(sentence, limit)
    return [piece.strip() for piece in pieces if piece.strip()]


def shortened(text: str, limit: int) -> str:
    """Return escaped `text`, or its beginning with an ellipsis where it is longer than `limit`."""
    if size(text) <= limit:
        return text
    return _cut(text, limit - 2)[0].rstrip() + " …"


def _plain(text: str) -> str:
    """Return `text` with what would format it changed to what looks like it."""
    return _UNDERSCORE.sub("ˍ", _UNSEEN.sub("", text).translate(_ALIKE))


def _referred(found: re.Match[str]) -> str:
    target, label = found[1], found[2]
    if target.startswith("@"):
        return ""
    if target.startswith(("#", "!")):
        kept = label or target[1:].partition("^")[0]
        sign = "" if target.startswith("!date") else target[0].replace("!", "@")
        # Slack writes <!here> and <!subteam^S1|@editors>.
        return sign + kept.removeprefix(sign)
    return target.removeprefix("mailto:").removeprefix("tel:") if label is None else label


def _cut(sentence: str, limit: int) -> list[str]:
    """Return `sentence` in pieces of at most `limit`, of which the first is as long as can be."""
    pieces = [""]
    for word in re.findall(r"\s*(?:<[^<>]*>|[^\s<])+|\s+", sentence):
        if size(pieces[-1]) + size(word) <= limit:
            pieces[-1] += word
        elif size(word.lstrip()) <= limit:
            pieces.append(word.lstrip())
        else:
            for token in _TOKEN.findall(word):
                if size(pieces[-1]) + size(token) > limit:
                    pieces.append("")
                pieces[-1] += token
    return pieces
