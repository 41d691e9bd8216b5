"""The model that ships: unit vectors, in order, the same each time, near the fp32 weights."""

import base64
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag.embedder import Embedder
from rag.onnx import MODELS, load_card

TEXTS = [
    "Rockets hit the base.",
    "A museum opened in the old harbour, and visitors from all over the county came to see it.",
    "The base was shelled with rockets.",
    "",
    "😀 مرحبا 橋",
]


def test_vectors_are_float32_of_unit_length_one_for_each_text(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (5, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(5), abs=1e-5)


def test_no_text_gives_no_vector(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)


def test_a_vector_is_the_same_bytes_whatever_is_embedded_beside_it(
    embedder: Embedder,
) -> None:
    many = [f"{'word ' * (n * 7 % 30)}number {n}" for n in range(20)]
    alone = np.vstack([embedder.embed([text]) for text in many])
    assert embedder.embed(many).tobytes() == alone.tobytes()


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_does_not_change_a_byte(embedder: Embedder, threads: int) -> None:
    other = Embedder(threads=threads)
    assert other.embed(TEXTS).tobytes() == embedder.embed(TEXTS).tobytes()


def test_vectors_are_near_those_of_the_fp32_weights(embedder: Embedder) -> None:
    references = load_card(MODELS / "embedder.onnx")["reference"]
    stored = [base64.b64decode(one["fp32_as_float16_base64"]) for one in references]
    fp32 = np.stack([np.frombuffer(data, dtype=np.float16) for data in stored]).astype(np.float32)
    found = embedder.embed([one["text"] for one in references])
    assert (found * fp32).sum(axis=1).min() > 0.99


def test_the_fingerprint_names_the_very_file(embedder: Embedder) -> None:
    sha256 = load_card(MODELS / "embedder.onnx")["sha256"]
    assert embedder.fingerprint == f"all-MiniLM-L6-v2-fused-int8:{sha256[:12]}/256"


def test_the_same_texts_give_the_same_bytes(embedder: Embedder) -> None:
    assert embedder.embed(TEXTS).tobytes() == embedder.embed(TEXTS).tobytes()


def test_threads_do_not_disturb_one_another(embedder: Embedder) -> None:
    expected = embedder.embed(TEXTS).tobytes()
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: embedder.embed(TEXTS).tobytes(), range(8)))
    assert set(results) == {expected}


def test_what_means_the_same_is_nearer_than_what_does_not(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors[0] @ vectors[2] > vectors[0] @ vectors[1] + 0.3


def test_what_is_longer_than_256_tokens_is_cut_there(embedder: Embedder) -> None:
    long = "bridge " * 254
    assert np.array_equal(embedder.embed([long]), embedder.embed([long + "orchard " * 500]))
