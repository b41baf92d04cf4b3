"""What an OpenAI-compatible client may ask, checked before the model sees it.

Options that this endpoint can't honour are refused by name; none is ignored in silence but those
that change nothing in the answer (`user`, `metadata` and the like). Validation errors leave the
input out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.models.sampling import SamplingParams

MAX_LOGPROBS = 1000
"""How many alternatives per position may be asked for (the hosted API allows 20, or 5)."""

MAX_PROMPTS = 256
"""How many prompts one completion request may hold."""

_LENGTH = Field(default=None, ge=0, le=2**31 - 1)


def _whole_number(value: Any) -> Any:
    # Some clients write whole numbers as 16.0.
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(_whole_number)]


class Body(BaseModel):
    """A request body: unknown options are errors, and no error repeats its input."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<withheld>)"

    __str__ = __repr__


class StreamOptions(Body):
    """Options of a streamed answer."""

    include_usage: bool = False
    include_obfuscation: bool | None = None


class GenerationBody(Body):
    """The options that chat and completions share."""

    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: WholeNumber | None = _LENGTH
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: WholeNumber | None = Field(default=None, ge=0)
    min_p: float | None = Field(default=None, ge=0, le=1)
    repetition_penalty: float | None = Field(default=None, gt=0, le=10)
    seed: WholeNumber | None = Field(default=None, ge=-(2**63), lt=2**64)
    stop: str | list[str] | None = None
    logit_bias: dict[str, float] | None = None
    return_tokens_as_token_ids: bool | None = None
    n: Literal[1] | None = None
    frequency_penalty: Literal[0] | None = None
    presence_penalty: Literal[0] | None = None
    # Accepted because they change nothing in an answer of this endpoint.
    user: str | None = None
    store: bool | None = None
    metadata: dict[str, Any] | None = None
    service_tier: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None

    @field_validator("n", "frequency_penalty", "presence_penalty", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        return _whole_number(value)

    @field_validator("stop")
    @classmethod
    def _stop_strings(cls, value: str | list[str] | None) -> str | list[str] | None:
        strings = [value] if isinstance(value, str) else value or []
        if len(strings) > 16 or not all(strings):
            raise ValueError("give up to 16 stop strings, none of them empty")
        return value

    @field_validator("logit_bias")
    @classmethod
    def _biases(cls, value: dict[str, float] | None) -> dict[str, float] | None:
        for token_id, bias in (value or {}).items():
            if not token_id.isdecimal() or not -100 <= bias <= 100:
                raise ValueError("logit_bias maps token ids to numbers from -100 to 100")
        return value

    @model_validator(mode="after")
    def _options_of_a_stream(self) -> GenerationBody:
        if self.stream_options is not None and not self.stream:
            raise ValueError("stream_options needs stream=true")
        return self

    @property
    def include_usage(self) -> bool:
        """Whether a stream ends with a chunk that tells the usage."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def stop_strings(self) -> tuple[str, ...]:
        """The stop strings, none, one or many."""
        return (self.stop,) if isinstance(self.stop, str) else tuple(self.stop or ())

    def sampling(self, n_vocab: int) -> SamplingParams:
        """Returns the sampling settings; temperature and top_p are 1 where nothing is said.

        Args:
            n_vocab: Size of the vocabulary, to check the ids of `logit_bias`.

        Raises:
            ConfigurationError: An id of `logit_bias` is not in the vocabulary.
        """
        bias = {int(token_id): value for token_id, value in (self.logit_bias or {}).items()}
        if any(token_id >= n_vocab for token_id in bias):
            raise ConfigurationError(
                "logit_bias names a token id that the model doesn't have.",
                hint=f"Ids go from 0 to {n_vocab - 1}.",
            )
        return SamplingParams(
            temperature=1.0 if self.temperature is None else self.temperature,
            top_k=self.top_k or 0,
            top_p=1.0 if self.top_p is None else self.top_p,
            min_p=self.min_p or 0.0,
            repetition_penalty=self.repetition_penalty or 1.0,
            seed=None if self.seed is None else self.seed % 2**63,
            logit_bias=bias,
        )


class TextPart(Body):
    """A part of a message's content."""

    type: Literal["text"]
    text: str


class Message(Body):
    """One message of a chat."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart] | None = None
    name: str | None = None
    # An answer may be sent back as it came, with what is empty in it.
    refusal: None = None
    audio: None = None
    function_call: None = None
    tool_calls: None = None
    annotations: list[Any] | None = Field(default=None, max_length=0)

    def as_dict(self) -> dict[str, str]:
        """Returns role and text, as the engine's chat template takes them."""
        content = self.content or ""
        if not isinstance(content, str):
            content = "".join(part.text for part in content)
        return {"role": "system" if self.role == "developer" else self.role, "content": content}


class ResponseFormat(Body):
    """The only format that this endpoint can promise."""

    type: Literal["text"]


class ChatBody(GenerationBody):
    """Body of `POST /v1/chat/completions`."""

    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: WholeNumber | None = _LENGTH
    logprobs: bool | None = None
    top_logprobs: WholeNumber | None = Field(default=None, ge=0, le=MAX_LOGPROBS)
    response_format: ResponseFormat | None = None
    parallel_tool_calls: bool | None = None

    @model_validator(mode="after")
    def _consistent(self) -> ChatBody:
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("top_logprobs needs logprobs=true")
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            raise ValueError("give max_completion_tokens or max_tokens, not both")
        return self

    @property
    def limit(self) -> int | None:
        """How many tokens to generate at most, under either of its names."""
        return self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens


class CompletionBody(GenerationBody):
    """Body of `POST /v1/completions`; `prompt` is read by `read_prompts`.

    Attributes:
        echo_from: Not of OpenAI's protocol: first position of an echoed prompt that is scored. The
            ones before have null, and cost nothing where the model has read them already.
    """

    prompt: str | list[Any]
    echo: bool | None = None
    echo_from: WholeNumber | None = Field(default=None, ge=0)
    logprobs: WholeNumber | None = Field(default=None, ge=0, le=MAX_LOGPROBS)
    best_of: Literal[1] | None = None
    suffix: None = None


class TokenizeBody(Body):
    """Body of `POST /tokenize`."""

    content: str
    add_special: bool = False
    parse_special: bool = False
    with_pieces: bool = False


class DetokenizeBody(Body):
    """Body of `POST /detokenize`."""

    tokens: list[int]


def read_prompts(prompt: str | list[Any]) -> list[str | list[int]]:
    """Sorts out the four shapes that a completion's prompt may have.

    Args:
        prompt: A string, strings, token ids, or lists of token ids.

    Returns:
        The prompts, each a string or a list of ids (not yet checked against a vocabulary).

    Raises:
        ConfigurationError: The prompt is empty, mixed, or of another type.
    """
    if isinstance(prompt, str):
        return [prompt]
    if prompt and all(_is_id(item) for item in prompt):
        return [list(prompt)]
    strings = all(isinstance(item, str) for item in prompt)
    lists = all(isinstance(item, list) and all(_is_id(i) for i in item) for item in prompt)
    if not prompt or not (strings or lists):
        raise ConfigurationError(
            "prompt has a shape that can't be read.",
            hint="Give a string, a list of strings, a list of token ids, or a list of such lists.",
        )
    if len(prompt) > MAX_PROMPTS:
        raise ConfigurationError(
            f"The request holds {len(prompt)} prompts.", hint=f"Give {MAX_PROMPTS} at most."
        )
    return list(prompt)


def check_ids(ids: Sequence[int], n_vocab: int, *, where: str) -> None:
    """Checks that token ids are of the model's vocabulary.

    Args:
        ids: The ids.
        n_vocab: Size of the vocabulary.
        where: What to call the ids in the error.

    Raises:
        ConfigurationError: There is none, or one is out of range; its position is named.
    """
    if not ids:
        raise ConfigurationError(f"{where} is empty.", hint="Give at least one token.")
    for position, token_id in enumerate(ids):
        if not 0 <= token_id < n_vocab:
            raise ConfigurationError(
                f"{where} holds an id at position {position} that the model doesn't have.",
                hint=f"Ids go from 0 to {n_vocab - 1}.",
            )


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
