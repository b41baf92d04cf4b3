"""The remote model: a `ChatOpenAI` whose every request passes the egress gate's transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import openai
from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    CallbackManagerForLLMRun,
)
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableConfig
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr

from langchain_cogenesis.exceptions import (
    CoGenesisError,
    ConfigurationError,
    RemoteError,
    RemoteResponseError,
    RemoteUnavailableError,
)
from langchain_cogenesis.models._http import http_library
from langchain_cogenesis.models.plain_http import warn_of_plain_http
from langchain_cogenesis.privacy.gate import EgressGate
from langchain_cogenesis.privacy.policy import origin
from langchain_cogenesis.privacy.transport import (
    AsyncEgressTransport,
    EgressGuard,
    EgressTransport,
)
from langchain_cogenesis.privacy.wire import Detokenize
from langchain_cogenesis.tracing import UntracedChatModel, untraced_config

if TYPE_CHECKING:
    from langchain_cogenesis.models.endpoints import RemoteNextTokenModel
    from langchain_cogenesis.models.vocabulary import Vocabulary

_CONNECT_SECONDS = 10.0
_NO_KEY = "not-needed"


class ChatRemote(UntracedChatModel, ChatOpenAI):
    """A `ChatOpenAI` that can send nothing but what its gate cleared.

    Made by `create_remote()`. Faults of the endpoint are raised as `RemoteError`s.
    """

    _gate: EgressGate = PrivateAttr()
    _endpoint: str = PrivateAttr()
    _seconds: float = PrivateAttr(default=60.0)
    _distributions: Any = PrivateAttr(default=None)

    @property
    def gate(self) -> EgressGate:
        """The gate whose clearances this model's requests need."""
        return self._gate

    @property
    def endpoint(self) -> str:
        """The address of the endpoint."""
        return self._endpoint

    def close(self) -> None:
        """Closes the connections of synchronous calls."""
        if self.http_client is not None:
            self.http_client.close()
        if self._distributions is not None:
            self._distributions.close()
            self._distributions = None

    async def aclose(self) -> None:
        """Closes all connections."""
        self.close()
        if self.http_async_client is not None:
            await self.http_async_client.aclose()

    def distributions(self, local_vocabulary: Vocabulary) -> RemoteNextTokenModel:
        """The endpoint's next-token log-probabilities; it is asked for them when first needed.

        Args:
            local_vocabulary: The local model's tokens, which the endpoint's must be.

        Raises:
            ModeError: The endpoint gives none.
            VocabularyMismatchError: It has other tokens.
            RemoteError: It failed.
        """
        if self._distributions is None:
            from langchain_cogenesis.models.endpoints import connect

            key = self.openai_api_key
            self._distributions = connect(
                self._endpoint,
                self.model_name,
                gate=self._gate,
                local_vocabulary=local_vocabulary,
                api_key=key.get_secret_value() if isinstance(key, SecretStr) else None,
                timeout=self._seconds,
                max_retries=self.max_retries or 0,
            )
        found: RemoteNextTokenModel = self._distributions
        return found

    def get_token_ids(self, text: str) -> list[int]:
        """Token ids by `custom_get_token_ids`; nothing is downloaded to find them out.

        Raises:
            ConfigurationError: No such function was given.
        """
        if self.custom_get_token_ids is None:
            raise ConfigurationError(
                "the remote's vocabulary isn't known here.", hint="Pass custom_get_token_ids=…."
            )
        return self.custom_get_token_ids(text)

    def get_num_tokens(self, text: str) -> int:
        """Estimates a number of tokens, rather too high; nothing is downloaded to count them."""
        return len(text.encode("utf-8", "replace")) // 3 + 1

    def get_num_tokens_from_messages(
        self, messages: Sequence[BaseMessage], tools: Any = None, **kwargs: Any
    ) -> int:
        """Estimates a number of tokens, as `get_num_tokens`; tools are not counted."""
        return sum(self.get_num_tokens(message.text) + 4 for message in messages)

    def list_models(self) -> list[str]:
        """The names of the models that the endpoint offers.

        Raises:
            RemoteError: The endpoint failed.
        """
        with _remote_errors(self._endpoint):
            return [str(model.id) for model in self.root_client.models.list().data]

    def _quiet(self, config: RunnableConfig | None) -> RunnableConfig:
        # Its texts are masked: the runs around it show no more than they would without it.
        return untraced_config(config, private=False)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with _remote_errors(self._endpoint):
            return super()._generate(messages, stop, run_manager, **kwargs)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        with _remote_errors(self._endpoint):
            return await super()._agenerate(messages, stop, run_manager, **kwargs)

    def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        with _remote_errors(self._endpoint):
            empty = True
            for chunk in super()._stream(*args, **kwargs):
                empty = False
                yield chunk
            if empty:
                raise _no_answer(self._endpoint)

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[ChatGenerationChunk]:
        with _remote_errors(self._endpoint):
            empty = True
            async for chunk in super()._astream(*args, **kwargs):
                empty = False
                yield chunk
            if empty:
                raise _no_answer(self._endpoint)


def create_remote(
    base_url: str,
    model: str,
    *,
    gate: EgressGate | None = None,
    api_key: str | None = None,
    timeout: float = 60.0,
    max_retries: int = 2,
    detokenize: Detokenize | None = None,
    **kwargs: Any,
) -> ChatRemote:
    """Creates a remote model behind gate and transport.

    Both its synchronous and its asynchronous HTTP client go through the transport, which refuses
    any request whose texts the gate did not clear. Proxies and keys of the environment are left
    alone; redirects are not followed. Plain HTTP across a public network is warned of once.

    Args:
        base_url: An OpenAI-compatible endpoint, as in `https://host/v1`.
        model: The model's name there.
        gate: The egress gate; by default one that knows no private values but finds some by shape.
        api_key: The endpoint's key, if it wants one. Never read from the environment.
        timeout: Seconds without a byte after which the endpoint counts as hanging.
        max_retries: How often a failed request is sent again; each time is in the ledger.
        detokenize: Reads token-id prompts through the remote's vocabulary.
        **kwargs: Further fields of `ChatOpenAI`, such as `temperature`.

    Returns:
        A chat model. Give it only text that `gate.clear()` returned.

    Raises:
        ConfigurationError: The address is not an HTTP URL.
    """
    warn_of_plain_http(base_url)
    gate = gate if gate is not None else EgressGate()
    guard = EgressGuard(gate, base_url, models=(model,), detokenize=detokenize)
    http = http_library()
    limits = http.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))
    settings = {"timeout": limits, "trust_env": False, "follow_redirects": False}
    remote = ChatRemote(
        base_url=base_url,
        model=model,
        api_key=SecretStr(api_key or _NO_KEY),
        timeout=timeout,
        max_retries=max_retries,
        http_client=http.Client(
            transport=EgressTransport(http.HTTPTransport(trust_env=False), guard), **settings
        ),
        http_async_client=http.AsyncClient(
            transport=AsyncEgressTransport(http.AsyncHTTPTransport(trust_env=False), guard),
            **settings,
        ),
        use_responses_api=False,
        stream_usage=kwargs.pop("stream_usage", True),
        openai_proxy=None,
        organization=None,
        **kwargs,
    )
    remote._gate = gate
    remote._endpoint = base_url
    remote._seconds = timeout
    return remote


@contextmanager
def _remote_errors(endpoint: str) -> Iterator[None]:
    try:
        yield
    except CoGenesisError:
        raise
    except Exception as error:  # noqa: BLE001  (whatever an endpoint causes is a remote error)
        _raise_as_remote(error, endpoint)


def _raise_as_remote(error: Exception, endpoint: str) -> NoReturn:
    # An older client wraps what its transport raises: a refusal of ours stays a refusal.
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, CoGenesisError):
            raise inner
        inner = inner.__cause__ or inner.__context__
    raise _as_remote(error, origin(endpoint)) from None


def _as_remote(error: Exception, where: str) -> RemoteError:
    if isinstance(error, openai.APITimeoutError) or "Timeout" in type(error).__name__:
        return RemoteUnavailableError(
            f"the remote at {where} did not answer in time.",
            hint="Try again, raise `timeout`, or set on_remote_error='local'.",
        )
    if isinstance(error, openai.APIStatusError):
        return _as_status(error, where)
    if isinstance(error, openai.APIConnectionError):
        return RemoteUnavailableError(
            f"the remote at {where} can't be reached.",
            hint="Check its address and that it runs, or set on_remote_error='local'.",
        )
    if type(error).__module__.split(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2"):
        return RemoteUnavailableError(
            f"the connection to the remote at {where} broke off in mid-answer.",
            hint="Try again, or set on_remote_error='local'.",
        )
    return _no_protocol(where, type(error).__name__)


def _no_answer(endpoint: str) -> RemoteResponseError:
    return _no_protocol(origin(endpoint), "an empty stream")


def _no_protocol(where: str, what: str) -> RemoteResponseError:
    return RemoteResponseError(
        f"the remote at {where} answered something that is not of this protocol ({what}).",
        hint="Check that the address is an OpenAI-compatible endpoint; it usually ends in /v1.",
    )


def _as_status(error: openai.APIStatusError, where: str) -> RemoteError:
    status = error.status_code
    hints = {
        400: "Shorten the instruction, or check the model's name and options.",
        401: "Check the API key.",
        403: "Check the API key and what it may do.",
        404: "Check the address (it usually ends in /v1) and the model's name.",
        413: "Shorten the instruction.",
        429: "Wait, then try again, or set on_remote_error='local'.",
    }
    hint = hints.get(status, "Try again, or set on_remote_error='local'.")
    kind = RemoteUnavailableError if status >= 500 or status in (401, 403, 429) else None
    return (kind or RemoteResponseError)(
        f"the remote at {where} refused the request with HTTP status {status}.", hint=hint
    )
