"""CoGenesis for LangChain: a local model reads the private context, a remote one helps from outside.

Names load when they are first used, so that importing the package stays cheap.
"""

from __future__ import annotations

from langchain_cogenesis._version import __version__

__all__ = ["__version__"]
