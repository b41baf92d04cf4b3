"""Endpoints that are asked without encryption, across networks that others can read."""

from __future__ import annotations

import ipaddress
import warnings
from urllib.parse import urlsplit

from langchain_cogenesis.privacy.policy import origin
from langchain_cogenesis.tracing import PrivacyWarning

_PRIVATE_NAMES = ("localhost", "local", "internal", "home.arpa")
"""Top-level names that no public address has (RFC 6761, 6762, 8375; ICANN for `internal`)."""

_warned: set[str] = set()


class PlainHttpWarning(PrivacyWarning):
    """An endpoint's key and the texts for it cross a public network in clear."""


def warn_of_plain_http(base_url: str, *, stacklevel: int = 3) -> None:
    """Warns, once for each endpoint, if it is asked by plain HTTP and isn't in a network at hand.

    Args:
        base_url: The endpoint's address.
        stacklevel: Whose line is named; by default that of the caller's caller.

    Raises:
        ConfigurationError: The address is not an HTTP URL.
    """
    where = origin(base_url)
    if where in _warned or not crosses_in_clear(base_url):
        return
    _warned.add(where)
    warnings.warn(
        f"{where} is asked by plain HTTP: its key and all texts can be read and changed on the "
        "way. Use https.",
        PlainHttpWarning,
        stacklevel=stacklevel,
    )


def crosses_in_clear(base_url: str) -> bool:
    """Whether an endpoint is asked by plain HTTP outside this machine and private networks.

    No name is looked up. A name counts as at hand if no public one can be like it: a single word,
    as of a machine in the house, or one that ends in `.local`, `.internal` or `.home.arpa`.

    Args:
        base_url: The endpoint's address.
    """
    parts = urlsplit(base_url.strip())
    return parts.scheme.lower() == "http" and not _is_at_hand(parts.hostname or "")


def _is_at_hand(name: str) -> bool:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        name = name.rstrip(".")
        # Resolvers read a lone number as an address: 134744072 is 8.8.8.8.
        single = "." not in name and not name[:1].isdigit()
        return single or name.endswith(tuple(f".{known}" for known in _PRIVATE_NAMES))
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_private or address.is_link_local
