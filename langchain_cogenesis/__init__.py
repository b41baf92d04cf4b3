"""CoGenesis for LangChain: a local model reads private context, a remote one helps from outside.

Names load when they are first used, so that importing the package stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from langchain_cogenesis._version import __version__

if TYPE_CHECKING:
    from langchain_cogenesis.chains import create_cogenesis_chain
    from langchain_cogenesis.chat_fusion import ChatLogitFusion
    from langchain_cogenesis.chat_models import ChatCoGenesis
    from langchain_cogenesis.context.embeddings import StaticEmbeddings
    from langchain_cogenesis.context.importers import import_files
    from langchain_cogenesis.context.importers.loaders import import_documents
    from langchain_cogenesis.context.retrievers import PrivateContextRetriever
    from langchain_cogenesis.context.schema import (
        Activity,
        Contact,
        PrivateContext,
        UserProfile,
        WritingSample,
    )
    from langchain_cogenesis.context.store import PrivateContextStore
    from langchain_cogenesis.exceptions import CoGenesisError
    from langchain_cogenesis.fusion.attribution import Attribution
    from langchain_cogenesis.fusion.fixed import (
        LinearFusion,
        LogLinearFusion,
        MaxFusion,
        ProxyFusion,
    )
    from langchain_cogenesis.fusion.learned import LearnedFusion
    from langchain_cogenesis.logit_settings import FusionHelper, LogitSettings
    from langchain_cogenesis.middleware import CoGenesisMiddleware
    from langchain_cogenesis.models.chat_llamacpp import ChatLocalLlama
    from langchain_cogenesis.models.endpoints import connect
    from langchain_cogenesis.models.llamacpp import LlamaCppEngine
    from langchain_cogenesis.models.local_next import LocalNextTokenModel
    from langchain_cogenesis.models.remote import create_remote
    from langchain_cogenesis.nodes import (
        create_context_node,
        create_private_prompt,
        create_sketch_node,
        create_writer,
    )
    from langchain_cogenesis.privacy.gate import ClearedText, EgressGate
    from langchain_cogenesis.privacy.ledger import EgressLedger
    from langchain_cogenesis.privacy.lexicon import PrivateLexicon, PrivateValue
    from langchain_cogenesis.privacy.policy import EgressPolicy
    from langchain_cogenesis.privacy.restore import Conversation
    from langchain_cogenesis.prompts import PromptPair, SketchStyle, create_prompt_pair
    from langchain_cogenesis.server.process import serve_in_child
    from langchain_cogenesis.session import UserSession
    from langchain_cogenesis.sketch import SketchNode

_HOMES = {
    "Activity": "context.schema",
    "Attribution": "fusion.attribution",
    "ChatCoGenesis": "chat_models",
    "ChatLocalLlama": "models.chat_llamacpp",
    "ChatLogitFusion": "chat_fusion",
    "ClearedText": "privacy.gate",
    "CoGenesisError": "exceptions",
    "CoGenesisMiddleware": "middleware",
    "Contact": "context.schema",
    "Conversation": "privacy.restore",
    "EgressGate": "privacy.gate",
    "EgressLedger": "privacy.ledger",
    "EgressPolicy": "privacy.policy",
    "FusionHelper": "logit_settings",
    "LearnedFusion": "fusion.learned",
    "LinearFusion": "fusion.fixed",
    "LlamaCppEngine": "models.llamacpp",
    "LocalNextTokenModel": "models.local_next",
    "LogLinearFusion": "fusion.fixed",
    "LogitSettings": "logit_settings",
    "MaxFusion": "fusion.fixed",
    "PrivateContext": "context.schema",
    "PrivateContextRetriever": "context.retrievers",
    "PrivateContextStore": "context.store",
    "PrivateLexicon": "privacy.lexicon",
    "PrivateValue": "privacy.lexicon",
    "PromptPair": "prompts",
    "ProxyFusion": "fusion.fixed",
    "SketchNode": "sketch",
    "SketchStyle": "prompts",
    "StaticEmbeddings": "context.embeddings",
    "UserProfile": "context.schema",
    "UserSession": "session",
    "WritingSample": "context.schema",
    "connect": "models.endpoints",
    "create_cogenesis_chain": "chains",
    "create_context_node": "nodes",
    "create_private_prompt": "nodes",
    "create_prompt_pair": "prompts",
    "create_remote": "models.remote",
    "create_sketch_node": "nodes",
    "create_writer": "nodes",
    "import_documents": "context.importers.loaders",
    "import_files": "context.importers",
    "serve_in_child": "server.process",
}

__all__ = [
    "Activity",
    "Attribution",
    "ChatCoGenesis",
    "ChatLocalLlama",
    "ChatLogitFusion",
    "ClearedText",
    "CoGenesisError",
    "CoGenesisMiddleware",
    "Contact",
    "Conversation",
    "EgressGate",
    "EgressLedger",
    "EgressPolicy",
    "FusionHelper",
    "LearnedFusion",
    "LinearFusion",
    "LlamaCppEngine",
    "LocalNextTokenModel",
    "LogLinearFusion",
    "LogitSettings",
    "MaxFusion",
    "PrivateContext",
    "PrivateContextRetriever",
    "PrivateContextStore",
    "PrivateLexicon",
    "PrivateValue",
    "PromptPair",
    "ProxyFusion",
    "SketchNode",
    "SketchStyle",
    "StaticEmbeddings",
    "UserProfile",
    "UserSession",
    "WritingSample",
    "__version__",
    "connect",
    "create_cogenesis_chain",
    "create_context_node",
    "create_private_prompt",
    "create_prompt_pair",
    "create_remote",
    "create_sketch_node",
    "create_writer",
    "import_documents",
    "import_files",
    "serve_in_child",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
