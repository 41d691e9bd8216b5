"""A passage as the fields of a LlamaIndex `TextNode`, without importing LlamaIndex.

>>> node_fields(passage, article)["relationships"]
{'1': {'node_id': 'bridge'}}

`rag.vectors` stores them with each vector and `rag.faces` builds its nodes of them, so that a stock
`ChromaVectorStore` on our collection and our own retriever return the same nodes. The text is not
among them: Chroma keeps it as the document, and LlamaIndex sets it from there.
"""

from typing import Any

from rag.types import ArticleMeta, Passage

# Raise it when the fields change, so that collections that hold the old ones ask for a reindex.
NODES_VERSION = "1"
# Of no use to a language model that is shown the node, which LlamaIndex does with all metadata.
_NOT_FOR_A_MODEL = ("article_id", "content_hash")
# LlamaIndex's NodeRelationship.SOURCE: the document that the node was cut from.
_SOURCE = "1"


def node_fields(passage: Passage, article: ArticleMeta) -> dict[str, Any]:  # Any: it is JSON
    """Return what `TextNode.from_dict` takes, but for the text; what is not known is left out."""
    return {
        "id_": passage.passage_id,
        "metadata": article.model_dump(mode="json", exclude_none=True, exclude={"text"}),
        "excluded_llm_metadata_keys": list(_NOT_FOR_A_MODEL),
        "relationships": {_SOURCE: {"node_id": passage.article_id}},
        "start_char_idx": passage.start_char_index,
        "end_char_idx": passage.end_char_index,
    }
