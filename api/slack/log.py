"""What the bot writes down: one line for each thing done, of ids and numbers, never of words.

>>> note("answered", team="T1", channel="C1", ts="1.2", ms=212.0)
"""

import json
import logging

from api.watch.frames import frames

logger = logging.getLogger("dateline.slack")


def note(what: str, **facts: object) -> None:
    """Write a line about something that the bot did."""
    _write(logging.INFO, {"slack": what, **facts})


def warn(what: str, **facts: object) -> None:
    """Write a line about something that somebody should look after."""
    _write(logging.WARNING, {"slack": what, **facts})


def note_failure(what: str, error: BaseException, **facts: object) -> None:
    """Write a line about an error: its class and its frames, because its message may quote."""
    where = {"error": type(error).__name__, "frames": frames(error)}
    _write(logging.ERROR, {"slack": what, **facts, **where})


def quiet() -> logging.Logger:
    """Return the logger for Slack's own libraries, which quote events, replies and addresses.

    Set to say nothing but errors even where a program shows everything of everybody, and given a
    handler, because Bolt copies handlers to loggers of its own that nobody else would hear.
    """
    theirs = logging.getLogger("dateline.slack.library")
    for name in (theirs.name, "slack_bolt", "slack_sdk"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if not theirs.handlers:
        theirs.addHandler(logging.NullHandler())
    return theirs


def _write(level: int, line: dict[str, object]) -> None:
    logger.log(level, "%s", json.dumps(line), extra={"facts": line})
