"""Local and remote models, behind LangChain's interfaces."""
