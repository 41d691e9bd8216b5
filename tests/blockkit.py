"""Block Kit JSON as HTML that looks like Slack: for pictures, and to see what text would do there.

>>> mrkdwn("*Hezbollah* &amp; <https://a.example|others>")
'<b>Hezbollah</b> &amp; <a href="https://a.example">others</a>'

Formatting is recognised more readily than Slack does it: what stays text here stays text there.
"""

import re
from functools import partial
from html import escape, unescape
from typing import Any

from markdown_it import MarkdownIt

# Any below: Block Kit JSON.
_EMOJI = {"warning": "⚠", "information_source": "ℹ"}
_STYLES = {"bold": "b", "italic": "i", "strike": "s", "code": "code"}
_MARKS = [
    (re.compile(r"```(.+?)```", re.DOTALL), "pre"),
    (re.compile(r"`([^`\n]+)`"), "code"),
    (re.compile(r"\*([^*\n]+)\*"), "b"),
    (re.compile(r"(?<!\w)_([^_\n]+)_(?!\w)"), "i"),
    (re.compile(r"~([^~\n]+)~"), "s"),
    (re.compile(r"^[ \t]*(?:>|&gt;)(.*)$", re.MULTILINE), "blockquote"),
    (re.compile(r":([a-z][\w+'-]*|[+-]1|100):"), "emoji"),
]
_REFERENCE = re.compile(r"<([^<>]*)>")
# Where a reference stood while marks are looked for.
_HELD = re.compile("[\ue000-\uefff]")
_THUMBS = {
    "up": "M7 10v11H3V10h4zm2 11V10l4-8c1.7 0 3 1.3 3 3v4h4c1.1 0 2 .9 2 2l-2 8c-.3 1.2-1 2-2 2H9z",
    "down": "M17 14V3h4v11h-4zm-2-11v11l-4 8c-1.7 0-3-1.3-3-3v-4H4c-1.1 0-2-.9-2-2l2-8c.3-1.2 1-2 "
    "2-2h9z",
}


def mrkdwn(text: str, *, verbatim: bool = True) -> str:
    """Return HTML of mrkdwn; links, mentions and emoji as what they are."""
    held: list[str] = []

    def hold(found: re.Match[str]) -> str:
        held.append(_reference(found[1]))
        return chr(0xE000 + len(held) - 1)

    shown = _REFERENCE.sub(hold, re.sub("[\ue000-\uf8ff]", "□", text))
    for pattern, tag in _MARKS:
        shown = pattern.sub(partial(_marked, tag), shown)
    shown = escape(unescape(shown), quote=False).translate(_TAGS)
    if not verbatim:
        shown = re.sub(r"https?://[^\s<]+", r'<a href="\g<0>">\g<0></a>', shown)
    shown = _HELD.sub(lambda found: held[ord(found[0]) - 0xE000], shown)
    return shown.replace("\n", "<br>")


# Tags while the text around them is being escaped: private characters that no text here has.
_OPEN = {tag: chr(0xF000 + 2 * n) for n, tag in enumerate(tag for _, tag in _MARKS)}
_CLOSE = {tag: chr(0xF001 + 2 * n) for n, tag in enumerate(tag for _, tag in _MARKS)}
_TAGS = {ord(mark): f"<{tag}>" for tag, mark in _OPEN.items()} | {
    ord(mark): f"</{tag}>" for tag, mark in _CLOSE.items()
}


def _marked(tag: str, found: re.Match[str]) -> str:
    inner = _EMOJI.get(found[1], found[0]) if tag == "emoji" else found[1]
    return f"{_OPEN[tag]}{inner}{_CLOSE[tag]}"


def _reference(inside: str) -> str:
    target, _, label = inside.partition("|")
    if target.startswith(("@", "#", "!")):
        return f"<mark>{escape(label or target)}</mark>"
    url = escape(unescape(target))
    return f'<a href="{url}">{escape(unescape(label)) if label else url}</a>'


def markdown(text: str) -> str:
    """Return HTML of the Markdown that streams take."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    return f'<div class="prose">{parser.render(text)}</div>'


def blocks_html(blocks: list[dict[str, Any]]) -> str:
    """Return the blocks as HTML, one below the other."""
    return "\n".join(map(_block, blocks))


def message_html(
    blocks: list[dict[str, Any]], *, asked: str = "", streamed: str = "", name: str = "Dateline"
) -> str:
    """Return a page: a thread with the question `asked`, and what was said to it."""
    question = _said("Anna Reyes", "A", escape(asked), app=False) if asked else ""
    body = (markdown(streamed) if streamed else "") + blocks_html(blocks)
    return _page(f'<main class="thread">{question}{_said(name, "D", body, app=True)}</main>')


def view_html(view: dict[str, Any]) -> str:
    """Return a page with a modal."""
    title, close = escape(view["title"]["text"]), escape(view["close"]["text"])
    return _page(
        f'<main class="modal"><header><h1>{title}</h1><span class="cross">×</span></header>'
        f"<div>{blocks_html(view['blocks'])}</div>"
        f'<footer><span class="button">{close}</span></footer></main>'
    )


def _said(name: str, letter: str, body: str, *, app: bool) -> str:
    badge = '<span class="app">APP</span>' if app else ""
    return (
        f'<article><div class="face {"bot" if app else ""}">{letter}</div><div class="said">'
        f'<p class="by"><strong>{name}</strong>{badge}<time>10:02</time></p>{body}</div></article>'
    )


def _block(block: dict[str, Any]) -> str:
    kind = block["type"]
    if kind == "divider":
        return "<hr>"
    if kind == "header":
        return f"<h2>{_text(block['text'])}</h2>"
    if kind == "markdown":
        return markdown(block["text"])
    if kind == "section":
        text = f"<p>{_text(block['text'])}</p>" if "text" in block else ""
        fields = "".join(f"<div>{_text(field)}</div>" for field in block.get("fields", ()))
        return f'<section>{text}<div class="fields">{fields}</div></section>'
    inside = "".join(map(_element, block["elements"]))
    return f'<div class="{kind}">{inside}</div>'


def _element(element: dict[str, Any]) -> str:
    kind = element["type"]
    if kind in ("mrkdwn", "plain_text"):
        return f"<span>{_text(element)}</span>"
    if kind == "button":
        return f'<span class="button">{_text(element["text"])}</span>'
    if kind == "feedback_buttons":
        thumbs = (("up", "positive_button"), ("down", "negative_button"))
        return "".join(_thumb(way, element[name]["text"]["text"]) for way, name in thumbs)
    if kind in ("rich_text_section", "rich_text_quote"):
        tag = "blockquote" if kind == "rich_text_quote" else "p"
        return f"<{tag}>{''.join(map(_element, element['elements']))}</{tag}>"
    if kind == "text":
        shown = escape(element["text"], quote=False).replace("\n", "<br>")
        for style in element.get("style", {}):
            shown = f"<{_STYLES[style]}>{shown}</{_STYLES[style]}>"
        return shown
    raise ValueError(f"no picture of an element of type {kind}")


def _thumb(way: str, words: str) -> str:
    path = f'<path d="{_THUMBS[way]}"/>'
    return f'<svg viewBox="0 0 24 24" aria-label="{escape(words)}">{path}</svg>'


def _text(found: dict[str, Any]) -> str:
    if found["type"] == "mrkdwn":
        return mrkdwn(found["text"], verbatim=found.get("verbatim", False))
    return escape(found["text"], quote=False).replace("\n", "<br>")


def _page(body: str) -> str:
    style = f"<style>{_CSS}</style>"
    return f'<!doctype html><html lang="en"><meta charset="utf-8">{style}<body>{body}</body></html>'


_CSS = """
* { box-sizing: border-box; margin: 0 }
body { background: #fff; color: #1d1c1d; width: 760px; padding: 16px;
  font: 15px/1.46 Lato, "Helvetica Neue", Arial, "Liberation Sans", "DejaVu Sans", sans-serif }
article { display: flex; gap: 10px; padding: 8px 4px }
.face { flex: none; width: 36px; height: 36px; border-radius: 6px; background: #2e7d6b; color: #fff;
  font-weight: 700; text-align: center; line-height: 36px }
.face.bot { background: #3b4a8c }
.said { flex: 1; min-width: 0 }
.by { display: flex; align-items: baseline; gap: 6px; margin: 0 }
.app { background: #e8e8e8; color: #616061; font-size: 10px; font-weight: 700; border-radius: 2px;
  padding: 1px 3px }
time { color: #616061; font-size: 12px }
p, section, .prose { margin: 4px 0 }
a { color: #1264a3; text-decoration: none }
emoji { font-family: "DejaVu Sans", sans-serif }
hr { border: 0; border-top: 1px solid #ddd; margin: 14px 0 }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px }
.context { color: #616061; font-size: 13px; line-height: 1.4; margin: 8px 0 }
.actions { margin: 10px 0 }
.button { display: inline-block; border: 1px solid rgba(29, 28, 29, .3); border-radius: 8px;
  padding: 4px 12px; font-weight: 700; font-size: 13px }
.context_actions { display: flex; gap: 10px; margin-top: 8px }
.context_actions svg { width: 17px; fill: none; stroke: #616061; stroke-width: 1.7 }
blockquote { border-left: 4px solid #ddd; padding-left: 12px; margin: 4px 0 }
.modal { border: 1px solid #ccc; border-radius: 10px; box-shadow: 0 4px 18px rgba(0, 0, 0, .12) }
.modal header, .modal footer { display: flex; justify-content: space-between; padding: 14px 22px }
.modal footer { justify-content: flex-end; border-top: 1px solid #ddd }
.modal > div { padding: 0 22px 14px }
.modal h1 { font-size: 20px }
.cross { font-size: 22px; color: #616061 }
"""
