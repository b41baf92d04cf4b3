"""Every error of the package, as one tree.

::

    CoGenesisError
    ├── ConfigurationError        a setting, path or option is wrong
    │   ├── ModeError             a mode is unknown or can't be served here
    │   └── SchemaError           a JSON schema can't become a grammar for this model
    ├── ContextError
    │   ├── SourceError           a file to import is broken: names file, line and problem
    │   ├── StoreError            the private context store can't do what was asked
    │   │   ├── StoreLockedError  another process is writing
    │   │   ├── StoreCorruptError a file of the store is damaged or missing
    │   │   └── UserNotFoundError nothing is stored for this user
    ├── ModelError
    │   ├── ModelFileError        no such file, truncated, or not a GGUF model
    │   ├── ModelDownloadError    the hub did not deliver
    │   ├── ContextLengthError    prompt and answer don't fit the model's context window
    │   └── VocabularyMismatchError  two models don't have the same tokens at the same ids
    ├── PrivacyError
    │   ├── EgressDeniedError     the egress gate refused
    │   ├── UnclearedRequestError the transport met a request that no clearance covers
    │   └── LedgerError           the ledger can't be written, or was changed
    └── RemoteError
        ├── RemoteUnavailableError the endpoint can't be reached, hangs or refuses
        └── RemoteResponseError    the endpoint answered something unusable
            ├── SketchError        no outline could be read from its answer
            └── DistributionError  its log-probabilities are none

Messages carry kinds, counts, names of files and users' own option values; never private text.
"""

from __future__ import annotations


class CoGenesisError(Exception):
    """Base of all errors of this package.

    Args:
        message: What happened, naming the input at fault; never its private content.
        hint: What to do next.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message} {hint}" if hint else message)


class ConfigurationError(CoGenesisError):
    """A setting, path or option is wrong."""


class ModeError(ConfigurationError):
    """A collaboration mode is unknown, or can't be served with what is configured."""


class SchemaError(ConfigurationError):
    """A JSON schema can't become a grammar, or a model's vocabulary can't spell what it asks."""


class ContextError(CoGenesisError):
    """Something about private context went wrong."""


class SourceError(ContextError):
    """A file to import is broken.

    Args:
        source: The file's name.
        problem: What is wrong with it.
        line: 1-based line in the file, where it is known.
        hint: What to do next.
    """

    def __init__(
        self, source: str, problem: str, *, line: int | None = None, hint: str | None = None
    ) -> None:
        self.source = source
        self.problem = problem
        self.line = line
        where = source if line is None else f"{source}, line {line}"
        super().__init__(f"{where}: {problem}", hint=hint)


class StoreError(ContextError):
    """The private context store can't do what was asked."""


class StoreLockedError(StoreError):
    """Another process is writing to the store."""


class StoreCorruptError(StoreError):
    """A file of the store is damaged or missing."""


class UserNotFoundError(StoreError):
    """Nothing is stored for this user."""


class ModelError(CoGenesisError):
    """Something about a model went wrong."""


class ModelFileError(ModelError):
    """A model file does not exist, is truncated, or is no GGUF model."""


class ModelDownloadError(ModelError):
    """The model hub did not deliver the file."""


class ContextLengthError(ModelError, ValueError):
    """Prompt and answer don't fit the model's context window."""


class VocabularyMismatchError(ModelError):
    """Two models don't have the same tokens at the same ids."""


class PrivacyError(CoGenesisError):
    """Something that concerns what may leave the device."""


class EgressDeniedError(PrivacyError):
    """The egress gate refused to let a text out."""


class UnclearedRequestError(PrivacyError):
    """The transport met a request that no clearance covers, and did not send it."""


class LedgerError(PrivacyError):
    """The ledger can't be written, or was changed since it was written."""


class RemoteError(CoGenesisError):
    """Something about the remote model went wrong."""


class RemoteUnavailableError(RemoteError):
    """The endpoint can't be reached, hangs, or refuses the request."""


class RemoteResponseError(RemoteError):
    """The endpoint answered something that can't be used."""


class SketchError(RemoteResponseError):
    """No outline could be read from the remote's answer."""


class DistributionError(RemoteResponseError):
    """What a model gave as log-probabilities is no distribution."""
