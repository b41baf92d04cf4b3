"""Texts of ours that servers are asked about at start-up. They depend on no user."""

from __future__ import annotations

from langchain_cogenesis.models.chat_template import TEMPLATE_OPTIONS

TEMPLATE_ARGUMENTS = {"chat_template_kwargs": TEMPLATE_OPTIONS}
"""What llama-server and vLLM hand on to a model's chat template."""

TEMPLATE_NAMES: tuple[str, ...] = (*TEMPLATE_ARGUMENTS, *TEMPLATE_OPTIONS)
"""The names in it."""

OPTION_NAMES: tuple[str, ...] = (
    *TEMPLATE_NAMES,
    "add_special_tokens",
    "logit_bias",
    "parse_special",
    "return_tokens_as_token_ids",
)
"""Names of options that the guard would take for texts. A gate whose lexicon may hold words of them
needs them among its `public_texts`."""

GREETINGS: tuple[str, ...] = ("Good morning", "hello", "yes", "on")
"""Contents of a chat that makes a template write its control tokens; the first that may leave."""

PROBES: tuple[str, ...] = (
    "The weather was fine and the garden",
    "It is a long way from here",
    "There are some of these on that",
)
"""Beginnings of texts, of which three tokens are sent; the first that may leave."""


def probe_chats(content: str) -> list[list[dict[str, str]]]:
    """Chats with all roles and with fewer: not every template takes a system message."""
    kinds = (("system", "user", "assistant", "user"), ("user", "assistant", "user"), ("user",))
    return [[{"role": role, "content": content} for role in roles] for roles in kinds]


# Each kind of thing that tokenizers differ in, in NFC, to which some of them normalise. Nothing in
# them has the shape of a private value.
AWKWARD: tuple[str, ...] = (
    *("hello", " hello", "  hello", "Hello", "HELLO", "hello world", "don't", "I'll've", "x=1"),
    *("3.14", "12 345", "1000", "007", "a_b-c", "foo.bar()", "{}[];", "/* */", "<br/>", "\t\ttabs"),
    *("line\nline", "\n\n\n", "\r\n", "trailing  ", "naïve café", "Straße", "Ελληνικά", "русский"),
    *("中文字符", "日本語", "한국어", "العربية", "हिन्दी", "ไทย", "😀", "👩‍👩‍👧", "\u00a0", "…—–"),
    *("„“”‚‘’", "½²", "antidisestablishmentarianism", "zzzzzzzzzz", "qwrtplkj", "!!!???"),
)
