"""What a judge is asked, and how its verdict is read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from langchain_cogenesis.privacy.wire import read_parts

Question = Literal["overall", "personalisation", "overall without profile"]
QUESTIONS: tuple[Question, ...] = get_args(Question)
Preference = Literal["first", "second", "tie"]

_RATING_FORM = "Explain in two or three sentences first. End with your rating as [[n]]."
_SCALE = "Rate it from 1 (useless) to 10 (could not be better)."
QUESTION_PROMPTS: dict[Question, str] = {
    "overall": (
        "You judge a text that an assistant wrote for a user. You see the user's profile, the "
        "request and the text. Judge how good the text is on the whole: does it do what was asked, "
        "is it right by the profile, is it clear, complete and well written? "
        f"{_SCALE} {_RATING_FORM}"
    ),
    "personalisation": (
        "You judge a text that an assistant wrote for a user. You see the user's profile, the "
        "request and the text. Judge personalisation alone: does the text use the facts of the "
        "profile that matter here, does it invent none, and does it sound like this user? "
        f"{_SCALE} {_RATING_FORM}"
    ),
    "overall without profile": (
        "You judge a text that an assistant wrote for a user. You see the request and the text. "
        "Judge how good the text is on the whole: does it do what was asked, is it clear, complete "
        f"and well written? {_SCALE} {_RATING_FORM}"
    ),
}
PAIR_PROMPT = (
    "You compare two texts, A and B, that two assistants wrote for a user. You see the user's "
    "profile, the request and both texts. Which one serves the user better? Their order means "
    "nothing, and neither does length. Explain in two or three sentences first. End with [[A]], "
    "[[B]], or [[C]] if neither is better."
)


class Verdict(BaseModel):
    """A judge's verdict."""

    explanation: str = Field(description="Two or three sentences.")
    verdict: str = Field(description="The rating, 1 to 10; or A, B or C.")


RESPONSE_FORMAT: dict[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "verdict",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {
                # Explanation first: a verdict that comes first is explained away afterwards.
                "explanation": {"type": "string"},
                "verdict": {"type": "string"},
            },
            "required": ["explanation", "verdict"],
            "additionalProperties": False,
        },
    },
}

JUDGE_TEMPLATES: tuple[str, ...] = (
    *QUESTION_PROMPTS.values(),
    PAIR_PROMPT,
    *dict.fromkeys(part.text for part in read_parts({"response_format": RESPONSE_FORMAT})),
)
"""The constant texts of a judge's requests; its gate needs them among its `public_texts`."""

_MARK = re.compile(r"\[\[\s*(\d{1,2}|[ABC])\s*\]\]")
_RATINGS = range(1, 11)


@dataclass(frozen=True, slots=True, repr=False)
class Judgement:
    """What a judge said of one text, or of two.

    Attributes:
        verdict: What it came to, or None if that couldn't be read.
        explanation: Why, placeholders restored. Private.
    """

    verdict: str | None
    explanation: str

    def __repr__(self) -> str:
        return f"Judgement(verdict={self.verdict!r}, explanation=<withheld>)"

    @property
    def rating(self) -> int | None:
        """The rating, 1 to 10; None if there is none."""
        value = int(self.verdict) if self.verdict and self.verdict.isdecimal() else None
        return value if value in _RATINGS else None


def read_judgement(reply: str) -> Judgement:
    """Reads explanation and verdict out of a reply: a JSON object, or text that ends in `[[n]]`."""
    said = _as_json(reply)
    if said is not None:
        return said
    marks = _MARK.findall(reply)
    return Judgement(marks[-1] if marks else None, _MARK.sub("", reply).strip())


def _as_json(reply: str) -> Judgement | None:
    try:
        found = json.loads(reply[reply.index("{") : reply.rindex("}") + 1])
    except ValueError:
        return None
    if not isinstance(found, dict) or "verdict" not in found:
        return None
    verdict = str(found["verdict"]).strip().strip("[]").strip()
    known = verdict in ("A", "B", "C") or (verdict.isdecimal() and int(verdict) in _RATINGS)
    return Judgement(verdict if known else None, str(found.get("explanation", "")))


def render_case(instruction: str, texts: Sequence[str], profile: str | None = None) -> str:
    """What the judge reads of a case: profile, request, and one text or two."""
    parts = [] if profile is None else [f"Profile:\n{profile}"]
    parts.append(f"Request:\n{instruction}")
    names = ["Text"] if len(texts) == 1 else [f"Text {letter}" for letter in "AB"]
    parts += [f"{name}:\n{text}" for name, text in zip(names, texts, strict=True)]
    return "\n\n".join(parts)
