"""How a call becomes a method of a client, as `help`, an editor and a test's double see it.

>>> inspect.signature(shown(method, calls.article, reply_of(calls.article)))
(self, article_id: str) -> rag.types.Article
"""

import inspect
from collections.abc import Callable
from functools import update_wrapper
from typing import Any, ForwardRef, TypeVar, get_args

_Method = TypeVar("_Method", bound=Callable[..., Any])
_SELF = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)


def shown(method: _Method, make: Callable[..., Any], returns: object) -> _Method:
    """Return `method` with the words and the arguments of `make`, the client before them.

    Without the latter whatever asks a client for the arguments of its method would take the first
    one, the question, for the client.
    """
    made = inspect.signature(make)
    update_wrapper(method, make)
    method.__annotations__ = {**make.__annotations__, "return": returns}
    taken = [_SELF, *made.parameters.values()]
    # Any: the type of a function leaves out that it may have one.
    own: Any = method
    own.__signature__ = made.replace(parameters=taken, return_annotation=returns)
    return method


def reply_of(make: Callable[..., Any]) -> Any:  # Any: a type, as a value
    """Return what the reply to a call becomes: the name alone of what is imported late."""
    return _only(make.__annotations__["return"])


def row_of(make: Callable[..., Any]) -> Any:  # Any: as above
    """Return what the rows of a list become."""
    return _only(reply_of(make))


def _only(generic: Any) -> Any:  # Any: as above
    [value] = get_args(generic)
    return value.__forward_arg__ if isinstance(value, ForwardRef) else value
