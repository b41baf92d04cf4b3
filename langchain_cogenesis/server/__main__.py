"""The child process of `serve_in_child`: `python -m langchain_cogenesis.server`."""

from __future__ import annotations

import sys

from langchain_cogenesis.server.child import main

if __name__ == "__main__":
    sys.exit(main())
