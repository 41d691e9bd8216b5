"""Where sentences begin and end, with exact offsets.

>>> text = "Gen. Smith spoke. “We know. It was them,” he said."
>>> [text[start:end] for start, end in sentence_spans(text)]
['Gen. Smith spoke.', '“We know. It was them,” he said.']
"""

import sentencex


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the (start, end) of each sentence of `text`, in order, without surrounding space."""
    spans = []
    for boundary in sentencex.get_sentence_boundaries("en", text):
        start, end = boundary["start_index"], boundary["end_index"]
        piece = text[start:end]
        start += len(piece) - len(piece.lstrip())
        end = start + len(piece.strip())
        if start < end:
            spans.append((start, end))
    return spans
