"""Every error that Dateline raises on purpose.

DatelineError
├── InputError               the caller sent something we cannot use: fix the request
├── IngestError              an article could not be taken in: fix the file, the rest went on
├── NotFound                 no such article, passage or citation
├── DependencyError          something below us is unavailable; `retryable` says if waiting helps
│   ├── IndexInUse           another process has the data directory open
│   └── Busy                 as much is at work, and waits, as there may be
├── ConfigurationError       the settings contradict each other or the data on disk
│   └── FingerprintMismatch  the index was built by another recipe: embedder, splitter, …
└── AnswerContractError      a bug of ours: an answer would have broken a promise

Each class has a stable `code` that clients may match on; the message holds the values and says what
to do. HTTP statuses live in `api/errors.py`, exit codes in `api/cli.py`.
"""

from typing import ClassVar


class DatelineError(Exception):
    """Root of the tree; catch it to catch everything that we raise on purpose."""

    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False


class InputError(DatelineError):
    """The request or the file named in it cannot be used as it is."""

    code = "invalid_input"


class IngestError(DatelineError):
    """One article could not be taken in; the others are not affected."""

    code = "ingest_failed"


class NotFound(DatelineError):
    """Nothing in the catalog has that id."""

    code = "not_found"


class DependencyError(DatelineError):
    """Something below us (a database, a store, a model) does not answer; waiting may help."""

    code = "dependency_unavailable"
    retryable = True


class IndexInUse(DependencyError):
    """Another process has the data directory open."""

    code = "index_in_use"


class Busy(DependencyError):
    """More is asked at once than can be answered; whoever comes back later finds a turn."""

    code = "busy"


class ConfigurationError(DatelineError):
    """The settings, or the data they point at, contradict each other."""

    code = "configuration_error"


class FingerprintMismatch(ConfigurationError):
    """The index on disk was built with another embedder, splitter, node format or schema."""

    code = "fingerprint_mismatch"


class AnswerContractError(DatelineError):
    """An answer would have broken one of the promises in ARCHITECTURE; always a bug of ours."""

    code = "answer_contract_broken"
