"""Tables in Markdown, for a terminal and for README alike."""

from collections.abc import Iterable, Mapping, Sequence

from evals.peers.rankings import Asked, difference


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table."""
    for row in (header, ["---"] * len(header), *rows):
        print_row(row)
    print()


def print_row(cells: Sequence[str]) -> None:
    """Print a row as soon as it is known."""
    print(f"| {' | '.join(cells)} |", flush=True)


def interval(one: Mapping[str, float], other: Mapping[str, float], asked: Sequence[Asked]) -> str:
    """Return what `one` has more than `other`, by question, with its 95 % interval."""
    found = difference(one, other, asked)
    return f"{found.value:+.3f} ({found.low:+.3f} to {found.high:+.3f})"
