"""The key that clients present: chosen, made, or, in so many words, none."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from langchain_cogenesis.exceptions import ConfigurationError

MIN_KEY_CHARACTERS = 16
"""A shorter key of one's own could be found by trying."""

_KEY_BYTES = 24


def make_key() -> str:
    """Makes a random key that fits a header, 192 bits."""
    return secrets.token_urlsafe(_KEY_BYTES)


def choose_key(
    given: str | None, *, no_auth: bool = False, key_file: Path | None = None
) -> tuple[str | None, bool]:
    """Decides which key an endpoint asks for.

    Args:
        given: The key that was asked for, if one was.
        no_auth: Whether none is to be asked for.
        key_file: Where a key that is made will be written.

    Returns:
        The key, None for none; and whether it was made here.

    Raises:
        ConfigurationError: The options contradict each other, or the key is no good.
    """
    if no_auth:
        if given is not None or key_file is not None:
            raise ConfigurationError(
                "With --no-auth no key is asked for, but one was given.",
                hint="Leave out --no-auth; or --api-key, --key-file and COGENESIS_API_KEY.",
            )
        return None, False
    if given is None:
        return make_key(), True
    if key_file is not None:
        raise ConfigurationError(
            "--key-file is where a key that is made here is written, but one was given.",
            hint="Leave out --key-file; or --api-key and COGENESIS_API_KEY.",
        )
    if len(given) < MIN_KEY_CHARACTERS or not (given.isascii() and given.isprintable()):
        raise ConfigurationError(
            f"The API key must have {MIN_KEY_CHARACTERS} printable ASCII characters or more.",
            hint="Leave it out, and a good one is made.",
        )
    return given, False


def write_key(path: Path, key: str) -> None:
    """Writes a key to a file of the user's own (0600), in place of what is there.

    Raises:
        ConfigurationError: The file can't be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key + "\n")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigurationError(
            f"The key can't be written to {path}: {error.strerror}.", hint="Choose another file."
        ) from None
