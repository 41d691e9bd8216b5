"""Who may import whom, read from the source: an architecture that is not checked is a wish."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("rag", "ingest", "api", "evals")
FILES = sorted(
    path.relative_to(ROOT).as_posix() for layer in OURS for path in (ROOT / layer).rglob("*.py")
)
# The command line runs the evals and shows their report.
EVALS_FROM = (
    "api/commands/evals.py",
    "api/commands/evaltarget.py",
    "api/commands/goldsets.py",
    "api/commands/judging.py",
    "api/commands/render_eval.py",
    "api/commands/serving.py",
)
# A server is asked by the client that everybody uses, so that one client is tested by all.
EVALS_MAY = ("rag", "evals", "api.client", "ingest.pipeline", "ingest.read", "ingest.split")
# The benchmark measures a stock LlamaIndex program on a Chroma of its own against ours.
BENCHMARK = "evals/peers/programs.py"


class Import(NamedTuple):
    """A module that a file imports, and whether merely importing the file does so."""

    module: str
    at_once: bool


@cache
def imports(file: str) -> tuple[Import, ...]:
    return tuple(_imports(ast.parse((ROOT / file).read_text()), at_once=True))


def _imports(node: ast.AST, *, at_once: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, at_once) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            assert child.module
            # `from ingest import formats` names a module, too.
            names = [f"{child.module}.{alias.name}" for alias in child.names]
            yield from (Import(name, at_once) for name in names)
        elif not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from _imports(child, at_once=at_once and not deferred)


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def users_of(*packages: str, at_once: bool = False) -> set[str]:
    return {
        file
        for file in FILES
        for one in imports(file)
        if within(one.module, *packages) and (one.at_once or not at_once)
    }


def test_there_is_something_to_check() -> None:
    assert {file.split("/")[0] for file in FILES} == set(OURS)


def test_the_core_imports_none_of_the_other_layers() -> None:
    assert {f for f in users_of("ingest", "api", "evals") if f.startswith("rag/")} == set()


def test_ingest_imports_only_the_core() -> None:
    assert {f for f in users_of("api", "evals") if f.startswith("ingest/")} == set()


def test_the_front_doors_leave_the_evals_to_the_command_line() -> None:
    assert {f for f in users_of("evals") if f.startswith("api/")} <= set(EVALS_FROM)


def test_evals_import_the_core_and_what_fills_an_index() -> None:
    broken = [
        (file, one.module)
        for file in FILES
        if file.startswith("evals/")
        for one in imports(file)
        if within(one.module, *OURS) and not within(one.module, *EVALS_MAY)
    ]
    assert broken == []


def test_one_module_speaks_to_chroma() -> None:
    assert users_of("chromadb") - {BENCHMARK} == {"rag/vectors.py"}


def test_one_module_speaks_to_tantivy() -> None:
    assert users_of("tantivy") == {"rag/lexical.py"}


def test_one_module_makes_the_sessions_of_our_models() -> None:
    running = {f for f in users_of("onnxruntime") if not f.startswith("rag/training/")}
    assert running == {"rag/onnx.py"}


def test_llama_index_is_imported_at_once_only_by_its_faces() -> None:
    assert users_of("llama_index", at_once=True) == {"rag/faces.py", "evals/judges/faces.py"}


def test_the_sdk_of_mcp_is_imported_at_once_only_by_its_package() -> None:
    """It takes a second, which no other command shall wait for."""
    tools = {file for file in FILES if file.startswith("api/mcp/")}
    assert users_of("mcp", "mcp_types", "api.mcp", at_once=True) <= tools


def test_one_module_reads_the_environment() -> None:
    readers = {
        file
        for file in FILES
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"))
        or (isinstance(node, ast.Name) and node.id in ("environ", "getenv", "environb"))
    }
    # pydantic-settings reads it for rag/settings.py. Another tells pydantic by it to look for no
    # plugins, which can be said in no other way, and learns nothing from it.
    assert readers <= {"rag/settings.py", "api/commands/asking.py"}
    assert users_of("pydantic_settings") == {"rag/settings.py"}


def test_the_order_of_the_core_has_no_way_back() -> None:
    """Nothing in `rag` imports, even late, a module that imports it."""
    modules = {f"rag.{Path(file).stem}": file for file in FILES if file.count("/") == 1}
    wanted = {
        name: {m for m in modules for one in imports(file) if within(one.module, m)} - {name}
        for name, file in modules.items()
        if file.startswith("rag/")
    }
    while free := {name for name, needs in wanted.items() if not needs & wanted.keys()}:
        for name in free:
            del wanted[name]
    assert wanted == {}


@pytest.mark.parametrize("file", [f for f in FILES if f.startswith("api/")])
def test_the_front_doors_log_and_never_print(file: str) -> None:
    """Standard output belongs to answers; the command line's last words go to standard error."""
    calls = [
        ast.unparse(node)
        for node in ast.walk(ast.parse((ROOT / file).read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
        and not any(ast.unparse(word) == "file=sys.stderr" for word in node.keywords)
    ]
    assert calls == []


def test_every_dependency_says_why_it_is_there() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    project = tomllib.loads("\n".join(lines))["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    unexplained = []
    for dependency in (name for group in groups for name in group):
        at = next(n for n, line in enumerate(lines) if line.strip() == f'"{dependency}",')
        # Stubs share the sentence of the first.
        above = [line.strip() for line in lines[:at] if not line.strip().startswith('"types-')]
        if not re.match(r"# \w.*\.$", above[-1]):
            unexplained.append(dependency)
    assert unexplained == []
