"""Documents of LangChain's loaders as private context."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import Document

from langchain_cogenesis.context.schema import Activity, PrivateContext, WritingSample

_LONGEST_NOTE = 600
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def import_documents(
    source: BaseLoader | Iterable[Document], *, kind: Literal["note", "writing"] = "note"
) -> PrivateContext:
    """Reads documents into private context; store it with `session.add()`.

    Args:
        source: Any document loader, or documents.
        kind: `note`: facts, a paragraph each; `writing`: what the user wrote, a document each, for
            their style.

    Returns:
        The context. A document's `title`, `date` or `when` in its metadata is kept.
    """
    documents = source.lazy_load() if isinstance(source, BaseLoader) else source
    if kind == "writing":
        return PrivateContext(
            writings=tuple(
                WritingSample(
                    text=document.page_content.strip(),
                    title=_told(document, "title", "subject"),
                    when=_told(document, "date", "when"),
                )
                for document in documents
                if document.page_content.strip()
            )
        )
    return PrivateContext(
        activities=tuple(
            Activity(kind="note", text=note, when=_told(document, "date", "when"))
            for document in documents
            for note in _notes(document.page_content)
        )
    )


def _notes(text: str) -> Iterator[str]:
    """Paragraphs; a long one in several pieces, so that each can be retrieved by itself."""
    for paragraph in re.split(r"\n\s*\n", text):
        piece = ""
        for sentence in _SENTENCE.split(" ".join(paragraph.split())):
            if piece and len(piece) + len(sentence) >= _LONGEST_NOTE:
                yield piece
                piece = ""
            piece = f"{piece} {sentence}".strip()
        if piece:
            yield piece


def _told(document: Document, *names: str) -> str | None:
    found = (document.metadata.get(name) for name in names)
    return next((str(value) for value in found if value), None)
