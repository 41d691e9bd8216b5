"""What Slack refuses in blocks and views, by the limits that its Block Kit reference documents.

>>> problems([{"type": "divider"}, {"type": "heading"}], "message")
['blocks[1]: unsupported type heading']

https://docs.slack.dev/reference/block-kit/blocks and its neighbours, read in November 2026.
"""

from collections.abc import Iterator
from typing import Any, Literal

# Any below: JSON that came over HTTP.
Surface = Literal["message", "modal"]
BLOCKS_PER = {"message": 50, "modal": 100}
# All text in the blocks of one message together: documented for `markdown` blocks, measured by
# many for all of them (slackapi/bolt-js #2509 and #2867).
TEXT_PER_MESSAGE = 12_000
VIEW_BYTES = 250_000
_KEYS = {
    "section": {"text", "fields", "accessory", "expand"},
    "header": {"text"},
    "context": {"elements"},
    "context_actions": {"elements"},
    "actions": {"elements"},
    "divider": set(),
    "markdown": {"text"},
    "rich_text": {"elements"},
    "input": {"label", "element", "hint", "optional", "dispatch_action"},
}
_IN_MESSAGES_ONLY = {"markdown", "context_actions"}
_ASKING = {"checkboxes", "plain_text_input"}


def problems(blocks: Any, surface: Surface) -> list[str]:
    """Return what Slack would refuse in `blocks`, in order; empty when it would show them."""
    if not isinstance(blocks, list):
        return ["blocks: must be an array"]
    found = []
    if len(blocks) > BLOCKS_PER[surface]:
        found.append(f"blocks: no more than {BLOCKS_PER[surface]} items allowed")
    for number, block in enumerate(blocks):
        found += [f"blocks[{number}]: {problem}" for problem in _block(block, surface)]
    named = [b["block_id"] for b in blocks if isinstance(b, dict) and "block_id" in b]
    if len(set(named)) < len(named):
        found.append("blocks: block_id is not unique")
    return found


def text_size(blocks: Any) -> int:
    """Return how many characters of text there are in `blocks`."""
    if isinstance(blocks, dict):
        return sum(
            len(value)
            if key in ("text", "alt_text") and isinstance(value, str)
            else text_size(value)
            for key, value in blocks.items()
        )
    return sum(map(text_size, blocks)) if isinstance(blocks, list) else 0


def view_problems(view: Any) -> list[str]:
    """Return what `views.open` would refuse in `view`."""
    if not isinstance(view, dict) or view.get("type") != "modal":
        return ["view: must be an object of type modal"]
    found = list(_object(view.get("title"), "title", 24))
    for name in ("close", "submit"):
        if name in view:
            found += _object(view[name], name, 24)
    found += _longest(view, "callback_id", 255)
    found += _longest(view, "private_metadata", 3_000)
    return found + problems(view.get("blocks"), "modal")


def _block(block: Any, surface: Surface) -> Iterator[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in _KEYS or (surface == "modal" and kind in _IN_MESSAGES_ONLY):
        yield f"unsupported type {kind}"
        return
    for key in sorted(block.keys() - _KEYS[kind] - {"type", "block_id"}):
        yield f"invalid additional property {key}"
    yield from _longest(block, "block_id", 255)
    if kind == "section":
        yield from _section(block)
    elif kind == "header":
        yield from _object(block.get("text"), "text", 150)
    elif kind == "markdown":
        yield from _words(block.get("text"), "text", 12_000)
    elif kind == "context":
        yield from _elements(block, 10, {"mrkdwn", "plain_text", "image"})
    elif kind == "context_actions":
        yield from _elements(block, 5, {"feedback_buttons", "icon_button"})
    elif kind == "actions":
        yield from _elements(block, 25, {"button"})
    elif kind == "input":
        yield from _object(block.get("label"), "label", 2_000)
        yield from _asking(block.get("element"))


def _section(block: dict[str, Any]) -> Iterator[str]:
    fields = block.get("fields")
    if "text" in block:
        yield from _object(block["text"], "text", 3_000, formatted=True)
    elif not fields:
        yield "text: or fields must be there"
    if fields is not None:
        if not 1 <= len(fields) <= 10:
            yield "fields: 1 to 10 items allowed"
        for field in fields:
            yield from _object(field, "fields", 2_000, formatted=True)
    if "accessory" in block:
        yield from _element(block["accessory"], {"button"})


def _elements(block: dict[str, Any], most: int, kinds: set[str]) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= most:
        yield f"elements: 1 to {most} items allowed"
        return
    for element in elements:
        yield from _element(element, kinds)
    named = [element["action_id"] for element in elements if "action_id" in element]
    if len(set(named)) < len(named):
        yield "elements: action_id is not unique"


def _element(element: Any, kinds: set[str]) -> Iterator[str]:
    kind = element.get("type") if isinstance(element, dict) else None
    if kind not in kinds:
        yield f"elements: unsupported type {kind}"
        return
    yield from _longest(element, "action_id", 255)
    if kind in ("mrkdwn", "plain_text"):
        yield from _object(element, "elements", 3_000, formatted=True)
    elif kind == "image":
        yield from _words(element.get("image_url"), "image_url", 3_000)
        yield from _words(element.get("alt_text"), "alt_text", 2_000)
    elif kind == "button":
        yield from _button(element)
    elif kind == "feedback_buttons":
        for name in ("positive_button", "negative_button"):
            yield from _button(element.get(name) or {}, needs_value=True)


def _asking(element: Any) -> Iterator[str]:
    """Yield what is wrong with an element that asks for something."""
    if not isinstance(element, dict) or element.get("type") not in _ASKING:
        yield "element: unsupported type"
        return
    yield from _longest(element, "action_id", 255)
    if element["type"] == "checkboxes":
        options = element.get("options") or []
        if not 1 <= len(options) <= 10:
            yield "options: 1 to 10 items allowed"
        for option in options:
            yield from _object(option.get("text"), "text", 75, formatted=True)
            yield from _words(option.get("value"), "value", 150)
    elif not 0 < element.get("max_length", 3_000) <= 3_000:
        yield "max_length: must be 1 to 3000"


def _button(button: dict[str, Any], *, needs_value: bool = False) -> Iterator[str]:
    yield from _object(button.get("text"), "text", 75)
    yield from _longest(button, "value", 2_000)
    yield from _longest(button, "url", 3_000)
    yield from _longest(button, "accessibility_label", 75)
    if needs_value and not button.get("value"):
        yield "value: is missing"
    if button.get("style", "primary") not in ("primary", "danger"):
        yield f"style: {button['style']} is not allowed"


def _object(found: Any, name: str, most: int, *, formatted: bool = False) -> Iterator[str]:
    """Yield what is wrong with a text object of at most `most` characters."""
    kinds = ("plain_text", "mrkdwn") if formatted else ("plain_text",)
    if not isinstance(found, dict) or found.get("type") not in kinds:
        yield f"{name}: must be of type {' or '.join(kinds)}"
        return
    allowed = {"type", "text", "emoji" if found["type"] == "plain_text" else "verbatim"}
    for key in sorted(found.keys() - allowed):
        yield f"{name}: invalid additional property {key}"
    yield from _words(found.get("text"), name, most)


def _words(text: Any, name: str, most: int) -> Iterator[str]:
    if not isinstance(text, str) or not text:
        yield f"{name}: must be more than 0 characters"
    elif len(text) > most:
        yield f"{name}: must be less than {most + 1} characters"


def _longest(within: dict[str, Any], name: str, most: int) -> Iterator[str]:
    if name in within:
        yield from _words(within[name] or " ", name, most)
