"""Every fixed sentence that a reader of answers may see."""

from rag.types import AbstainReason

NO_ANSWER: dict[AbstainReason, str] = {
    "empty_index": "The archive is empty: ingest some articles first.",
    "no_match": "No article in the archive matches this question.",
    "low_confidence": "The archive does not hold an answer to this question.",
    "filtered_out": "No article that passes the filters answers this question.",
    "unverified": "An answer was found, but its quotation could not be verified.",
}

ACCOUNTS_DIFFER = "Accounts differ."
# Before an answer that is less probable than the one before it.
OTHERWISE = "Or: "
