"""The judge that the command line names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from langchain_cogenesis.evaluation.comparison.runner import Judging


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Who judges, as the command line says it.

    Attributes:
        judge: An address, or a model; None for nobody.
        model: The judge's name at its address.
        key: The address's key.
        trusted: Whether the address may see private context.
    """

    judge: str | None
    model: str | None
    key: str | None = field(repr=False)
    trusted: bool


@contextmanager
def open_judge(options: JudgeOptions) -> Iterator[Judging | None]:
    """Opens the judge, if there is one.

    Raises:
        ConfigurationError: It has an address and no name.
    """
    from langchain_cogenesis.evaluation.comparison.runner import Judging
    from langchain_cogenesis.evaluation.judge import Judge
    from langchain_cogenesis.evaluation.judge_prompts import JUDGE_TEMPLATES
    from langchain_cogenesis.exceptions import ConfigurationError
    from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
    from langchain_cogenesis.models.remote import create_remote
    from langchain_cogenesis.privacy.gate import EgressGate
    from langchain_cogenesis.privacy.policy import EgressPolicy

    address = options.judge
    if not address:
        yield None
        return
    if not address.startswith(("http://", "https://")):
        yield Judging(Judge(ChatLocalLlama(model=address)))
        return
    if options.model is None:
        raise ConfigurationError("the judge has no name.", hint="Name it with --judge-model.")
    policy = EgressPolicy(trusted=frozenset({address} if options.trusted else ()))
    gate = EgressGate(policy=policy, public_texts=JUDGE_TEMPLATES)
    remote = create_remote(address, options.model, api_key=options.key, gate=gate, timeout=120)
    try:
        yield Judging(Judge(remote, gate), gate)
    finally:
        remote.close()
