"""Drafts replies to the mails in a mailbox, has a human decide on each, and sends them.

Run `python -m examples.email_agent --help`. `mailboxes` reads, `drafting` writes, `graph` asks the
human through LangGraph's `interrupt`, `sending` sends.
"""
