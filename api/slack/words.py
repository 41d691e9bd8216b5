"""What the bot says that is no answer: help, and why there is none, in mrkdwn.

>>> failure(Busy("…"))
'Many questions are being answered right now. Please ask again in a minute.'
"""

from api.schemas.questions import MAX_QUESTION_CHARS
from rag.errors import Busy, ConfigurationError, DatelineError, InputError

HELP = (
    "Ask me about the articles in our archive: mention me with a question, write to me directly, "
    "or use `/dateline ask QUESTION`. I answer in a thread, with the sentences that prove the "
    "answer; whatever you write there next is a follow-up.\n"
    "• `/dateline filters after:2020-03-01 source:jpost.com` lets only these articles answer in "
    "this channel, `/dateline filters` shows what is set, `/dateline filters off` ends it.\n"
    "• When the archive holds no answer, I say so."
)
INTERRUPTED = "I was interrupted before I could answer this. Please ask again."
BUSY = "I have too much to do at the moment. Please try again in a minute."
NOT_HERE = (
    "I cannot write in this channel. Invite me with `/invite` and my name first, "
    "or write to me directly."
)
THANKS = "Thank you. It is noted with the answer."
FORGOTTEN = "This answer is not kept any more, or an article that it quotes was deleted."
FAILED = "Something went wrong. Please try again in a minute."
_BUSY = "Many questions are being answered right now. Please ask again in a minute."
_DOWN = "The archive does not answer right now. Please ask again in a few minutes."
_OURS = "Something went wrong on our side, and whoever runs me can find it in the log."


def failure(exc: DatelineError) -> str:
    """Return what people are told when a question could not be answered."""
    if isinstance(exc, Busy):
        return _BUSY
    if isinstance(exc, InputError):
        return f"I cannot answer that: a question has at most {MAX_QUESTION_CHARS:,} characters."
    if isinstance(exc, ConfigurationError):
        return _OURS
    return _DOWN if exc.retryable else _OURS
