"""Looks at a machine and an app for doors through which private text could leave."""

from langchain_cogenesis.doctor.finding import Finding, Status

__all__ = ["Finding", "Status"]
