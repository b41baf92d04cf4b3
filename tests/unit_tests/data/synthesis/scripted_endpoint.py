"""A chat endpoint on loopback that answers by script: well, or with one of many faults."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[[str, int], str]
"""Step, and how many requests of it came before, to a kind of answer."""

MODEL = "scripted"
INPUT_TOKENS, OUTPUT_TOKENS = 100, 10
_STEPS = {"Describe a group": "portrait", "Make up one person": "user"}


@dataclass
class Script:
    """What is answered, and what was asked."""

    fault: Fault = lambda step, number: "good"
    on_request: Callable[[int], None] = lambda number: None
    prompts: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    base_url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def steps(self) -> dict[str, int]:
        """Requests by step."""
        return dict(self.counts)


@contextmanager
def scripted(script: Script) -> Iterator[Script]:
    """Serves a script on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            prompt = body["messages"][-1]["content"]
            step = _step(prompt)
            with script.lock:
                number = script.counts[step]
                script.counts[step] += 1
                script.prompts.append(prompt)
                total = len(script.prompts)
            status, answer = _answer(script.fault(step, number), step, prompt)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()
            script.on_request(total)

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    script.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _step(prompt: str) -> str:
    known = next((step for start, step in _STEPS.items() if prompt.startswith(start)), None)
    return known or ("text" if "The person asks:" in prompt else "tasks")


def _answer(kind: str, step: str, prompt: str) -> tuple[int, dict[str, Any]]:
    if kind.isdecimal():
        return int(kind), {"error": {"message": "scripted", "type": "scripted"}}
    message: dict[str, Any] = {"role": "assistant", "content": _content(kind, step, prompt)}
    reason = "length" if kind == "length" else "stop"
    if kind == "refusal":
        message |= {"content": None, "refusal": "I can't do that."}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    usage = {"prompt_tokens": INPUT_TOKENS, "completion_tokens": OUTPUT_TOKENS}
    usage["total_tokens"] = sum(usage.values())
    made = {"id": "1", "object": "chat.completion", "created": 0, "model": MODEL}
    return 200, made | {"choices": [choice], "usage": usage}


def _content(kind: str, step: str, prompt: str) -> str:
    value = _value(step, prompt)
    if kind == "wrong":
        value.pop(next(iter(value)))
    if kind == "blanks":
        value["content"] += " Yours, [Your Name]"
    if kind == "unstated":
        value["facts"] = [{"name": "age", "value": "a hundred and seven years"}]
    text = json.dumps(value, indent=1)
    return {
        "prose": "I'm sorry, but I would rather not.",
        "fenced": f"Here you are!\n```json\n{text}\n```\nI hope that this helps.",
        # A comma too many, a comma missing, and a comment.
        "broken": text.replace("\n}", ",\n}").replace('",\n "', '"\n "', 1) + "\n// done }",
        "cut": text[: len(text) * 3 // 4],
        "length": text[: len(text) * 3 // 4],
    }.get(kind, text)


def _value(step: str, prompt: str) -> dict[str, Any]:
    # The same prompt gets the same answer, with or without a complaint at its end.
    asked = prompt.split("\n\nAn earlier answer")[0]
    digest = hashlib.sha256(asked.encode()).hexdigest()
    word = "".join(chr(ord("a") + int(digit, 16)) for digit in digest[:12])
    unique = " ".join(digest[i : i + 5] for i in range(0, 60, 5))
    if step == "portrait":
        return {"youngest": 30, "oldest": 50, "field": word, "occupations": ["baker", "cook"],
                "interests": ["chess"], "works": ["letters"], "usage": "mail; notes"}  # fmt: skip
    if step == "user":
        return {
            "name": f"{word.title()} Moor", "age": 41, "occupation": "baker", "location": "Lund",
            "traits": ["calm"], "style": ["short"], "email": None,
            "facts": [f"owns the boat {word}", f"has met {unique}", "sings"],
            "activity": ["bought a lamp", {"kind": "calendar", "text": "dinner"}, "ran 5 km"],
            "assistant": ["asked for a recipe"],
        }  # fmt: skip
    if step == "tasks":
        count = int(re.search(r"Give (\d+) texts", prompt)[1])  # type: ignore[index]
        kinds = [{"kind": "Note", "instruction": f"Write {word} {n}"} for n in range(count)]
        return {"tasks": kinds}
    boat = re.search(r"owns the boat (\w+)", prompt)[1]  # type: ignore[index]
    content = f"Dear all, my boat {boat} is for sale. {unique}. Please ask {word} about it."
    return {"outline": ["greet", "offer"], "content": content,
            "facts": [{"name": "boat", "value": f"boat {boat}"},
                      {"name": "age", "value": "not said"}]}  # fmt: skip
