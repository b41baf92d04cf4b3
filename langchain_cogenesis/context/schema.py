"""What is known of a user and stays on the device.

All values are frozen, and none prints its payload: `repr()` and `str()` say how much is there,
never what. Validation errors name the field and leave the input out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

ItemKind = Literal["profile", "writing", "activity"]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)


class PrivateModel(BaseModel):
    """A frozen value whose `repr` withholds its payload."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(<withheld, {len(self.model_fields_set)} fields set>)"

    __str__ = __repr__

    def __rich_repr__(self) -> Iterable[Any]:
        yield f"<withheld, {len(self.model_fields_set)} fields set>"


class Contact(PrivateModel):
    """Somebody the user knows."""

    name: str = Field(min_length=1)
    relation: str | None = None
    email: str | None = None
    phone: str | None = None


class Activity(PrivateModel):
    """Something from the user's calendar, messages, purchases and the like.

    `when` is an ISO 8601 date or time, which is shown spelled out, or free text.
    """

    kind: str = "note"
    when: str | None = None
    text: str = Field(min_length=1)
    people: tuple[str, ...] = ()
    place: str | None = None


class WritingSample(PrivateModel):
    """A text the user wrote before."""

    text: str = Field(min_length=1)
    title: str | None = None
    recipient: str | None = None
    when: str | None = None


class UserProfile(PrivateModel):
    """Who the user is. Everything but `name` is optional."""

    name: str = Field(min_length=1)
    age: int | None = Field(default=None, ge=0, le=150)
    occupation: str | None = None
    company: str | None = None
    location: str | None = None
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    traits: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    facts: tuple[str, ...] = ()

    @field_validator("traits", "style", "facts", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


class ContextItem(PrivateModel):
    """One retrievable piece of private context.

    Attributes:
        kind: Which part of the context it belongs to.
        field: What it is within that part: `name`, `contact`, `fact`, `calendar`, `sample` …
        text: What the local model reads, one or more lines.
        data: JSON-able payload from which the schema's value is rebuilt on export.
    """

    kind: ItemKind
    field: str
    text: str
    data: dict[str, Any]


class PrivateContext(PrivateModel):
    """Everything known of one user: profile, activities, writing samples."""

    profile: UserProfile | None = None
    activities: tuple[Activity, ...] = ()
    writings: tuple[WritingSample, ...] = ()

    def items(self) -> tuple[ContextItem, ...]:
        """The context as retrievable pieces, in the order profile, activities, writings."""
        found: list[ContextItem] = []
        if self.profile is not None:
            found.extend(_profile_items(self.profile))
        found.extend(_activity_item(activity) for activity in self.activities)
        found.extend(_writing_item(sample) for sample in self.writings)
        return tuple(found)

    @classmethod
    def from_items(cls, items: Iterable[ContextItem]) -> PrivateContext:
        """Rebuilds a context from its pieces; the inverse of `items()`."""
        profile: dict[str, Any] = {}
        activities: list[Activity] = []
        writings: list[WritingSample] = []
        for item in items:
            if item.kind == "activity":
                activities.append(Activity.model_validate(item.data))
            elif item.kind == "writing":
                writings.append(WritingSample.model_validate(item.data))
            elif item.field in _LIST_FIELDS:
                profile.setdefault(_LIST_FIELDS[item.field], []).append(item.data["value"])
            else:
                profile[item.field] = item.data["value"]
        return cls(
            profile=UserProfile.model_validate(profile) if profile else None,
            activities=tuple(activities),
            writings=tuple(writings),
        )


_LIST_FIELDS = {"trait": "traits", "style": "style", "contact": "contacts", "fact": "facts"}
_SCALARS = {
    "name": "Name",
    "age": "Age",
    "occupation": "Occupation",
    "company": "Company",
    "location": "Location",
    "email": "E-mail",
    "phone": "Phone",
    "address": "Address",
}


def spell_when(when: str) -> str:
    """Spells an ISO 8601 date or time out; other text is returned as it is.

    >>> spell_when("2025-06-14T19:00"), spell_when("2025-06-14"), spell_when("next week")
    ('Saturday 14 June 2025, 7 pm', 'Saturday 14 June 2025', 'next week')
    """
    if not _ISO.fullmatch(when.strip()):
        return when
    try:
        moment = datetime.fromisoformat(when.strip())
    except ValueError:
        return when
    # Not strftime: its day and month names follow the process's locale.
    day = f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    if len(when.strip()) == len(date.min.isoformat()):
        return day
    minutes = f":{moment.minute:02d}" if moment.minute else ""
    return f"{day}, {moment.hour % 12 or 12}{minutes} {'pm' if moment.hour >= 12 else 'am'}"


_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def _profile_items(profile: UserProfile) -> Iterable[ContextItem]:
    for field, label in _SCALARS.items():
        value = getattr(profile, field)
        if value is not None:
            yield _profile_item(field, f"{label}: {value}", value)
    for trait in profile.traits:
        yield _profile_item("trait", f"Trait: {trait}", trait)
    for style in profile.style:
        # "Closing: Hugs" is a line of its own; a free sentence gets a label.
        labelled = re.match(r"\w[\w ]{0,20}: ", style)
        yield _profile_item("style", style if labelled else f"Style: {style}", style)
    for contact in profile.contacts:
        yield _profile_item("contact", _contact_line(contact), contact.model_dump(mode="json"))
    for fact in profile.facts:
        yield _profile_item("fact", f"Fact: {fact}", fact)


def _profile_item(field: str, text: str, value: Any) -> ContextItem:
    return ContextItem(kind="profile", field=field, text=text, data={"value": value})


def _contact_line(contact: Contact) -> str:
    # One `relation: name` line: small models copy from a keyed line far better than from brackets.
    details = [contact.name]
    details += [f"e-mail {contact.email}"] if contact.email else []
    details += [f"phone {contact.phone}"] if contact.phone else []
    return f"{contact.relation or 'Contact'}: {'; '.join(details)}"


def _activity_item(activity: Activity) -> ContextItem:
    label = activity.kind[:1].upper() + activity.kind[1:]
    when = f"{spell_when(activity.when)}, " if activity.when else ""
    place = f", at {activity.place}" if activity.place else ""
    people = f", with {', '.join(activity.people)}" if activity.people else ""
    text = f"{label}: {when}{activity.text}{place}{people}"
    data: Mapping[str, Any] = activity.model_dump(mode="json")
    return ContextItem(kind="activity", field=activity.kind, text=text, data=dict(data))


def _writing_item(sample: WritingSample) -> ContextItem:
    title = sample.title or (f"to {sample.recipient}" if sample.recipient else "a text")
    return ContextItem(
        kind="writing",
        field="sample",
        text=f"Earlier: {title}\n{sample.text}",
        data=sample.model_dump(mode="json"),
    )
