"""What `cogenesis serve --user` does."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from langchain_cogenesis.cli.keys import ask_passphrase
from langchain_cogenesis.cli.output import err, print_json
from langchain_cogenesis.cli.pair import PairOptions, open_model
from langchain_cogenesis.exceptions import ConfigurationError
from langchain_cogenesis.server.keys import choose_key, write_key
from langchain_cogenesis.server.limits import Limits
from langchain_cogenesis.server.personal import MODES, run_personal
from langchain_cogenesis.session import UserSession


def check_options(
    users: Sequence[str], *, api_key: str | None, no_auth: bool, key_file: Path | None
) -> None:
    """Checks options that don't go together with users.

    Raises:
        ConfigurationError: Two of them contradict each other.
    """
    if no_auth:
        raise ConfigurationError(
            "--user serves private context, and --no-auth would open it to every program here.",
            hint="Leave out --no-auth.",
        )
    if len(set(users)) < len(users):
        raise ConfigurationError("A user is named twice.", hint="Name each user once.")
    if len(users) > 1 and (api_key is not None or key_file is not None):
        raise ConfigurationError(
            f"{len(users)} users need as many keys, and one was chosen.",
            hint="Leave out --api-key, COGENESIS_API_KEY and --key-file: a key is made for each.",
        )


def serve_users(
    users: Sequence[str],
    store: Path | None,
    options: PairOptions,
    port: int,
    limits: Limits,
    api_key: str | None,
    key_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Serves users their collaborating models until Ctrl-C.

    Args:
        users: Their names.
        store: Where their directories lie.
        options: Which models write together.
        port: A free port; 0 picks one.
        limits: Bounds on requests.
        api_key: The key of a single user, if it was chosen.
        key_file: Where a single user's key is written instead of shown.
        as_json: Whether to announce as JSON.
    """
    chosen = {user: choose_key(api_key, key_file=key_file) for user in users}
    keys = {user: str(key) for user, (key, _) in chosen.items()}
    shown = {u: key for u, key in keys.items() if chosen[u][1] and key_file is None}

    def announce(url: str) -> None:
        if key_file is not None:
            write_key(key_file, keys[users[0]])
        if as_json:
            told = [{"user": user, "api_key": shown.get(user)} for user in users]
            print_json({"base_url": url, "models": list(MODES), "users": told})
            return
        err().print(f"{', '.join(MODES)} at {url} – Ctrl-C ends it", markup=False)
        for user, key in shown.items():
            err().print(f"Clients of {user} present: Authorization: Bearer {key}", markup=False)
        if key_file is not None:
            err().print(f"The key is in {key_file}.", markup=False)

    with ExitStack() as stack:
        models = {}
        for user in users:
            session = stack.enter_context(UserSession(user, store, passphrase=ask_passphrase))
            models[user] = stack.enter_context(open_model(session, options, with_remote=True))
        run_personal(models, keys, port, limits=limits, on_ready=announce)
