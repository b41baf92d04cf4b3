"""What happens to a private value on its way to an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, get_args
from urllib.parse import urlsplit

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.privacy.placeholders import PLACEHOLDER_KINDS

Action = Literal["allow", "mask", "refuse", "ask"]


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """Per kind of value, what the egress gate does with it.

    `allow` lets it through, `mask` puts a placeholder in its place, `refuse` sends nothing, and
    `ask` leaves it to the gate's `ask` function.

    Attributes:
        default: For kinds that `actions` doesn't name.
        actions: Kind of value to action.
        trusted: Origins (`https://host:port`) of endpoints that the user has declared may see
            private context. Nothing is masked for them.
    """

    default: Action = "mask"
    actions: Mapping[str, Action] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for kind in self.actions:
            if kind not in PLACEHOLDER_KINDS:
                raise ConfigurationError(
                    f"the egress policy names an unknown kind of value {kind!r}.",
                    hint=f"Known kinds: {', '.join(PLACEHOLDER_KINDS)}.",
                )
        for action in (self.default, *self.actions.values()):
            if action not in get_args(Action):
                raise ConfigurationError(
                    f"the egress policy names an unknown action {action!r}.",
                    hint=f"Known actions: {', '.join(get_args(Action))}.",
                )
        object.__setattr__(self, "trusted", frozenset(origin(url) for url in self.trusted))

    def action(self, kind: str, endpoint: str) -> Action:
        """The action for a kind of value on its way to an endpoint."""
        return "allow" if self.trusts(endpoint) else self.actions.get(kind, self.default)

    def trusts(self, endpoint: str) -> bool:
        """Whether the user has declared that this endpoint may see private context."""
        return origin(endpoint) in self.trusted


@lru_cache(maxsize=64)
def origin(url: str) -> str:
    """Scheme, host and port of a URL, as a canonical string.

    >>> origin("HTTP://Localhost:80/v1/"), origin("https://api.example:8443/v1")
    ('http://localhost:80', 'https://api.example:8443')
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
    except ValueError:
        parts, port = None, None
    if parts is None or parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(
            "an endpoint's address is not an HTTP URL.",
            hint="Give it with scheme and host, as in https://host:8000/v1.",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme.lower()}://{host}:{port}"
