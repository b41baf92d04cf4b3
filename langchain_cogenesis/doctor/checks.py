"""All checks, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from langchain_cogenesis.doctor.finding import Finding


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """What to look at.

    Attributes:
        root: Where users' directories lie; None for the default.
        user: Whose directory must be there.
        local: The local model.
        base_url: An endpoint to ask, or None.
        remote_model: The model's name there.
        remote_key: The endpoint's key.
        app: `module:attribute` of an app, or None.
    """

    root: Path | None = None
    user: str | None = None
    local: str = "house-small"
    base_url: str | None = None
    remote_model: str | None = None
    remote_key: str | None = field(default=None, repr=False)
    app: str | None = None


def run_checks(options: DoctorOptions) -> Iterator[Finding]:
    """Runs the checks and yields what each found.

    Args:
        options: What to look at.

    Raises:
        ConfigurationError: The app can't be loaded.
    """
    from langchain_cogenesis.context.directory import default_root
    from langchain_cogenesis.doctor.environment import check_environment
    from langchain_cogenesis.doctor.machine import check_machine
    from langchain_cogenesis.doctor.stored import check_stored

    app = None
    if options.app is not None:
        from langchain_cogenesis.doctor.app_walk import load_app

        # Before the environment is looked at: an app may load a `.env` file.
        app = load_app(options.app)
    yield from check_machine(options.local, Path.home())
    yield from check_stored(options.root or default_root(), options.user)
    yield from check_environment(os.environ, Path.cwd())
    if options.base_url is not None:
        from langchain_cogenesis.doctor.endpoint import check_endpoint

        yield from check_endpoint(
            options.base_url,
            local=options.local,
            model=options.remote_model,
            api_key=options.remote_key,
        )
    if options.app is not None:
        from langchain_cogenesis.doctor.app import check_app

        yield from check_app(app, options.app)
