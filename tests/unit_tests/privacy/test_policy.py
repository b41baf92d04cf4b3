"""A policy says what happens to each kind of value, and refuses what it doesn't know."""

from __future__ import annotations

from typing import Any

import pytest

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.privacy.policy import EgressPolicy


def test_kinds_have_actions_and_a_default() -> None:
    """What isn't named is masked; a trusted endpoint is allowed everything."""
    policy = EgressPolicy(
        actions={"DATE": "allow", "NUMBER": "refuse"}, trusted=frozenset({"http://localhost:8000"})
    )
    assert policy.action("DATE", "https://x.example") == "allow"
    assert policy.action("NUMBER", "https://x.example") == "refuse"
    assert policy.action("NAME", "https://x.example") == "mask"
    assert policy.action("NUMBER", "http://localhost:8000/v1") == "allow"
    assert policy.action("NUMBER", "http://localhost:8001/v1") == "refuse"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"actions": {"SHOE_SIZE": "mask"}}, "NAME, PLACE"),
        ({"actions": {"NAME": "hide"}}, "allow, mask, refuse"),
        ({"default": "hide"}, "allow, mask, refuse"),
        ({"trusted": frozenset({"my laptop"})}, "HTTP URL"),
    ],
)
def test_what_is_unknown_is_refused_by_name(settings: Any, says: str) -> None:
    """A typing error in a policy is an error, not a hole."""
    with pytest.raises(ConfigurationError, match=says):
        EgressPolicy(**settings)
