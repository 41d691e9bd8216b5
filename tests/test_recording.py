"""The recorded conversation: one that plays, and a picture of it that loads nothing."""

import json
import xml.etree.ElementTree as ET

from tests.recording import COMMAND, FOLDER, LINES


def test_the_recording_plays_the_conversation_in_order() -> None:
    head, *events = map(json.loads, (FOLDER / "chat.cast").read_text().splitlines())
    assert (head["version"], head["width"], head["height"]) == (2, 100, 40)
    times = [at_s for at_s, _, _ in events]
    assert times == sorted(times)
    assert {kind for _, kind, _ in events} == {"o"}
    played = "".join(text for _, _, text in events)
    places = [played.index(line) for line in (COMMAND, *(f"> {line}" for line in LINES))]
    assert places == sorted(places)
    assert "3 questions with 7 citations in taji.md" in played


def test_the_picture_shows_the_same_and_loads_nothing() -> None:
    svg = (FOLDER / "chat.svg").read_text()
    shown = "".join(ET.fromstring(svg).itertext()).replace("\xa0", " ")  # noqa: S314 - it is ours
    assert all(f"> {line}" in shown for line in LINES)
    assert "Accounts differ. Kataib Hezbollah" in shown
    assert "url(http" not in svg
    assert "@import" not in svg
    assert "searching the archive" not in shown
