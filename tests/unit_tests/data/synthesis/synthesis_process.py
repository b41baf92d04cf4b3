"""Runs a synthesis against an endpoint: `python synthesis_process.py URL DIR USERS TASKS`."""

from __future__ import annotations

import sys
from pathlib import Path

from langchain_openai import ChatOpenAI

from langchain_cogenesis.data.synthesis.chat import ChatGenerator
from langchain_cogenesis.data.synthesis.pipeline import SynthesisSettings, synthesizing
from langchain_cogenesis.data.synthesis.running import RunLimits

CONCURRENCY = 2

if __name__ == "__main__":
    url, directory, users, tasks = sys.argv[1:]
    model = ChatOpenAI(base_url=url, model="scripted", api_key="k", max_retries=0)
    settings = SynthesisSettings(int(users), int(tasks))
    limits = RunLimits(concurrency=CONCURRENCY)
    for _ in synthesizing(Path(directory), ChatGenerator(model), settings, limits):
        pass
