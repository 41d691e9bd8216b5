"""Make text final before it is stored, because every later offset refers to it.

>>> clean_text("Caf\\u0065\\u0301\\u00a0owner\\r\\n\\r\\n\\r\\nsaid\\u200b  no.")
'Café owner\\n\\nsaid no.'

`clean_text` changes characters and spaces only, so it is safe for text that a caller hands us. What
drops lines (`is_boilerplate`, `is_caption`) is for pages that were saved with their surroundings.
"""

import re
import unicodedata
from itertools import pairwise

from rag.sentences import sentence_spans

# What no reader sees and every search stumbles over: controls, lone surrogates, zero-width spaces,
# soft hyphens, direction marks, blank letters, and the tag characters and variation selectors of
# plane 14 (used to hide instructions in a text).
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff"
    "\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
# Joiners shape Persian, Indic and emoji; between two Latin letters they only split a word.
_SPLITTING_JOINER = re.compile("(?<=[A-Za-z\xc0-\u024f])[\u200c\u200d]+(?=[A-Za-z\xc0-\u024f])")
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028]")
_SPACES = re.compile("[ \xa0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_SENTENCE_END = re.compile(r"[.!?…:][\"'”’»)\]]*$")

_MAX_NOISE_CHARS = 200
_MAX_CAPTION_CHARS = 500
_BOILERPLATE = re.compile(
    r"""(?ix) ^\W*(?:
        (?:advertisement|sponsored\ content)(?:\W+(?:continue\ reading|scroll)\b.*)?
      | (?:share|print|email|tweet|save|(?:(?:show|view|leave\ a|post\ a|\d+)\ )?comments?)
      | share\ (?:this|the)\ (?:article|story|page|post)(?:\ (?:on|via|with|by)\b.*)?
      | read\ more(?:\ (?:here|on\ this\ topic))?(?::.*)?
      | (?:related|recommended|also\ read|see\ also|more\ on\ this)(?::.*|\ (?:articles|stories))
      | subscribe(?:\ (?:now|today|here|to\ continue\b.*))?
      | (?:sign\ up|subscribe)(?:\ (?:now|today))?\ (?:to|for)\ (?:our|the|your|a|free|daily)\b.*
          \b(?:newsletters?|emails?|alerts?|podcast|channel|magazine|edition)\b.*
      | click\ here\ (?:to|for)\b.*
      | (?:follow|like|find|join)\ us\ on\ (?:twitter|x|facebook|instagram|whatsapp|telegram
          |youtube|linkedin|tiktok|social\ media|google\ news)\b.*
      | (?:we|(?:this|our)\ (?:web)?site)\ uses?\ cookies(?:\ (?:and|to|on|for)\b.*)?
      | by\ (?:continuing|using|browsing)\b.*\b(?:use|accept|agree)\b.*\bcookies\b.*
      | (?:accept|reject|manage)\ (?:all\ )?cookies
      | (?:(?:©|\(c\)|copyright)\W*\d{4}\b.*)?all\ rights\ reserved
      | (?:©|copyright\W*(?:©|\(c\)|\d{4}\b)|\(c\)\ \d{4}\b).*
    )\W*$"""
)
_RULE_LINE = re.compile(r"[\W_]+$")
_CAPTION = re.compile(
    r"""(?x) (?i:^(?:file\ photo|photos?|images?|pictured?|photograph|captions?|credits?
                 |(?:photo|image|picture)\ (?:credit|caption|source))\s*:)
      | (?i:^(?:photo(?:graph)?s?|image|picture)\ (?:by|courtesy\ of)\b)
      | (?i:\((?:(?:file\ )?(?:photo|image|picture)(?:\ (?:credit|courtesy|source))?|credit)
                 \s*:[^()]*\)\.?$)
      | (?:\bGetty\ Images|\bREUTERS/[^.]{2,60}|\bAP\ Photo/[^.]{2,60})\)?$"""
)


def clean_text(text: str) -> str:
    """Return `text` in NFC with plain spaces and line ends and nothing invisible; idempotent.

    Lines are stripped; paragraphs stay apart by one blank line, single line ends stay single.
    """
    text = _LINE_END.sub("\n", text).replace("\u2029", "\n\n")
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    text = _SPLITTING_JOINER.sub("", text)
    text = "\n".join(line.strip() for line in _SPACES.sub(" ", text).split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip()


def clean_line(text: str) -> str:
    """Return `text` cleaned and on one line: for headlines, names and outlets."""
    return " ".join(clean_text(text).split())


def first_sentence(text: str, *, max_chars: int = 120) -> str:
    """Return the first sentence of `text`, cut at a word and marked with … where it is longer."""
    start = clean_line(text[:2_000])
    spans = sentence_spans(start)
    sentence = start[spans[0][0] : spans[0][1]] if spans else start
    if len(sentence) <= max_chars:
        return sentence
    head, _, _ = sentence[:max_chars].rpartition(" ")
    return (head or sentence[: max_chars - 1]) + "…"


def ends_sentence(line: str) -> bool:
    """Return whether `line` ends as a sentence does, closing quotes aside."""
    return bool(_SENTENCE_END.search(line))


def is_boilerplate(line: str) -> bool:
    """Return whether the whole line belongs to the page and not to the article.

    Whole lines only: a paragraph that mentions an advertisement or cookies is never one.
    """
    if len(line) > _MAX_NOISE_CHARS:
        return False
    return bool(_BOILERPLATE.match(line) or _RULE_LINE.match(line))


def is_caption(line: str) -> bool:
    """Return whether the line says what a picture shows or who took it."""
    return len(line) <= _MAX_CAPTION_CHARS and bool(_CAPTION.search(line))


def unwrap(text: str, *, max_width_chars: int = 100, min_open_share: float = 0.5) -> list[str]:
    """Return the paragraphs of cleaned `text`, hard-wrapped lines joined again.

    Where the file is not evidently wrapped, each line is a paragraph. Where it is, a line that the
    next word would still have fitted on was ended on purpose: a headline, a byline, a paragraph.
    A file is wrapped when more than `min_open_share` of its inner lines end inside a sentence.
    """
    blocks = [block.split("\n") for block in text.split("\n\n") if block]
    width = _wrap_width(blocks, max_width_chars, min_open_share)
    if width is None:
        return [line for block in blocks for line in block if line]
    return [paragraph for block in blocks for paragraph in _rejoin(block, width)]


def _wrap_width(blocks: list[list[str]], max_width_chars: int, min_open_share: float) -> int | None:
    # A line inside a block says how the file is wrapped; the last one of a block ends anyhow.
    inner = [line for block in blocks for line in block[:-1]]
    # An address cannot be broken, so its length says nothing.
    lengths = sorted(len(line) for block in blocks for line in block if "://" not in line)
    if not inner or not lengths or lengths[-1] > max_width_chars:
        return None
    width = lengths[len(lengths) * 9 // 10]
    open_ends = sum(not ends_sentence(line) for line in inner)
    return width if width >= 40 and open_ends > min_open_share * len(inner) else None


def _rejoin(lines: list[str], width: int) -> list[str]:
    paragraphs = [lines[0]]
    for previous, line in pairwise(lines):
        next_word = line.split(" ", 1)[0]
        # Four fifths, because a proportional font wraps at no fixed number of characters.
        if len(previous) + 1 + len(next_word) < width * 4 / 5:
            paragraphs.append(line)
        elif re.search(r"[^\W\d_]-$", previous) and line[:1].islower():
            paragraphs[-1] = paragraphs[-1][:-1] + line
        else:
            paragraphs[-1] += " " + line
    return paragraphs
