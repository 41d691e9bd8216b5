"""`dateline ingest`, `check` and `reindex`: an archive in a folder is filled, compared, built anew.

dateline ingest articles/ --data-dir archive
dateline check --repair --data-dir archive
"""

from __future__ import annotations

from typing import Annotated

import typer

from api.commands.opened import open_data
from api.commands.options import DataDir, Json, print_json


def ingest(
    paths: Annotated[list[str], typer.Argument(help="Files, folders or glob patterns.")],
    *,
    data_dir: DataDir = None,
    json: Json = False,
) -> None:
    """Take articles in: new ones are added, changed ones replaced, known ones left alone."""
    from api.commands.render import show_ingest, terminal

    with open_data(data_dir) as opened:
        report = opened.ingest(paths, quiet=json)
    if json:
        print_json(report.model_dump(mode="json") | {"counts": report.counts._asdict()})
    else:
        show_ingest(terminal(), report)
    raise typer.Exit(1 if report.counts.failed else 0)


def check(
    *,
    data_dir: DataDir = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what is wrong.")] = False,
    json: Json = False,
) -> None:
    """Compare catalog, vectors and BM25 with each other."""
    from api.commands.render import show_check, terminal

    with open_data(data_dir) as opened:
        report = opened.index.repair() if repair else opened.index.check()
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        show_check(terminal(), report)
    raise typer.Exit(0 if report.clean else 1)


def reindex(*, data_dir: DataDir = None) -> None:
    """Build vectors and BM25 anew from the catalog, with the settings as they are now."""
    from api.commands.render import terminal

    with open_data(data_dir, accept=False) as opened:
        count = opened.pipeline().reindex()
    terminal().print(f"{count} articles indexed anew", highlight=False)
