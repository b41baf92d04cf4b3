"""What is taken over from langchain-community's models of llama.cpp, which is never imported."""

from __future__ import annotations

from typing import Any

_SAME = ("temperature", "top_k", "top_p", "max_tokens", "stop")


def community_settings(model: Any) -> dict[str, Any]:
    """The sampling settings of a `ChatLlamaCpp` or `LlamaCpp`, by our names.

    Args:
        model: Such a model; anything else has none.
    """
    if not hasattr(model, "client") or not hasattr(model, "repeat_penalty"):
        return {}
    found = {name: getattr(model, name, None) for name in _SAME}
    found["repetition_penalty"] = model.repeat_penalty
    seed = getattr(model, "seed", None)
    # There, -1 means that nothing is repeatable.
    found["seed"] = seed if seed is not None and seed >= 0 else None
    return {name: value for name, value in found.items() if value is not None}
