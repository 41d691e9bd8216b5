"""An article's text into passages of whole sentences, each with its exact span.

>>> article = Article.create(title="Fire", text="A fire broke out. Nobody was hurt.")
>>> [(p.start_char_index, p.end_char_index) for p in Splitter(200).cut(article)]
[(0, 34)]

LlamaIndex's `SentenceSplitter` packs the sentences; ours are the boundaries. It finds offsets by
searching for the chunk in the text, so we carry the cursor ourselves and compare every span.
"""

from rag.errors import AnswerContractError
from rag.onnx import load_tokenizer
from rag.sentences import sentence_spans
from rag.types import Article, Passage


class Splitter:
    """Holds the tokenizer that passages are measured with."""

    def __init__(self, passage_tokens: int) -> None:
        """Make passages of at most `passage_tokens` tokens of the embedding model."""
        from llama_index.core.node_parser import SentenceSplitter

        tokenizer = load_tokenizer()

        def tokens(text: str) -> list[int]:
            return list(tokenizer.encode(text, add_special_tokens=False).ids)

        self._splitter = SentenceSplitter(
            chunk_size=passage_tokens,
            chunk_overlap=0,
            tokenizer=tokens,
            paragraph_separator="\n\n",
            chunking_tokenizer_fn=_sentences,
        )

    def cut(self, article: Article) -> list[Passage]:
        """Return the passages of `article` in order; they cover all of it but white space."""
        passages: list[Passage] = []
        cursor = 0
        # The splitter hands back an empty text as one empty chunk.
        for chunk in filter(None, self._splitter.split_text(article.text)):
            start = article.text.find(chunk, cursor)
            if start < 0:
                raise AnswerContractError(
                    f"passage {len(passages)} of {article.article_id} is not in its text"
                )
            cursor = start + len(chunk)
            passages.append(Passage.cut(article, len(passages), start, cursor))
        return passages


def _sentences(text: str) -> list[str]:
    """Return the sentences with the white space that follows each, so that joining gives `text`."""
    starts = [start for start, _ in sentence_spans(text)] or [0]
    starts[0] = 0
    return [text[a:b] for a, b in zip(starts, [*starts[1:], len(text)], strict=True)]
