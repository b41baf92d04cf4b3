from __future__ import annotations

import os
import stat
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from langchain_cogenesis.context.schema import (
    Activity,
    Contact,
    PrivateContext,
    UserProfile,
    WritingSample,
)
from langchain_cogenesis.context.store import AddReport, PrivateContextStore
from langchain_cogenesis.exceptions import (
    ConfigurationError,
    StoreError,
    StoreLockedError,
)

CANARIES = (
    "Wilhelmina", "Thistlewood", "Cartographer", "Quillford", "Tarnbrook", "wren@quillford",
    "+44 7700 900417", "Fennel", "meticulous", "Toodle-pip", "Ottoline", "tarantella",
    "theodolite", "regatta", "Brindlecombe", "Dearest", "marmalade",
)  # fmt: skip


def _fields(store: PrivateContextStore, query: str, k: int = 3) -> list[str]:
    return [entry.item.field for entry in store.search(query, k)]


def test_adding_twice_changes_nothing(directory: Path, wren: PrivateContext) -> None:
    """A second addition of the same context is recognised item by item."""
    with PrivateContextStore(directory) as store:
        count = len(wren.items())
        assert store.add(wren) == AddReport(added=count, unchanged=0)
        before = (directory / "documents").read_bytes()
        assert store.add(wren) == AddReport(added=0, unchanged=count)
        assert (directory / "documents").read_bytes() == before
        assert len(store) == count


def test_export_gives_back_what_was_added(directory: Path, wren: PrivateContext) -> None:
    """Export equals the context, in this process and after opening again."""
    with PrivateContextStore(directory) as store:
        store.add(wren)
        assert store.export() == wren
    with PrivateContextStore(directory) as store:
        assert store.export() == wren


def test_a_new_value_of_a_single_field_replaces_the_old(
    store: PrivateContextStore, wren: PrivateContext
) -> None:
    """There is one employer at a time; the old one is neither exported nor found."""
    assert wren.profile is not None
    moved = wren.profile.model_copy(update={"company": "Sextant & Daughters", "facts": ("new",)})
    report = store.add(PrivateContext(profile=moved))
    assert report == AddReport(
        added=1, unchanged=len(PrivateContext(profile=moved).items()) - 2, replaced=1
    )
    exported = store.export().profile
    assert exported is not None
    assert exported.company == "Sextant & Daughters"
    assert exported.facts == (*wren.profile.facts, "new")
    assert all("Quillford Maps" not in found.item.text for found in store.search("Quillford", 50))


def test_search_finds_by_words_and_by_meaning(store: PrivateContextStore) -> None:
    """A shared rare word comes first; without one, a related text does."""
    assert _fields(store, "what about the theodolite", 1) == ["purchase"]
    assert store.search("supper", 1, ["activity"])[0].item.field == "calendar"


def test_search_scores_fall(store: PrivateContextStore) -> None:
    """Scores are positive and fall with rank; k limits the number."""
    found = store.search("marmalade dinner", 5)
    scores = [entry.score for entry in found]
    assert len(found) == 5
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0


def test_search_among_kinds(store: PrivateContextStore) -> None:
    """Only items of the kinds asked for are found."""
    assert {entry.item.kind for entry in store.search("dinner", 50, ["writing"])} == {"writing"}
    found = {entry.item.kind for entry in store.search("dinner", 50, {"writing", "activity"})}
    assert found == {"writing", "activity"}


@pytest.mark.parametrize("query", ["", "   ", "!?", "\u200e"])
def test_a_query_without_words_finds_the_latest(store: PrivateContextStore, query: str) -> None:
    """Where nothing is asked, what was added last comes first, with score 0."""
    found = store.search(query, 2)
    assert [entry.item.kind for entry in found] == ["writing", "activity"]
    assert found[0].score == 0


@pytest.mark.parametrize("query", ["晩ご飯 dinner 🍽", "مرحبا", "x" * 100_000, "\ud800", "a\0b"])
def test_odd_queries_are_answered(store: PrivateContextStore, query: str) -> None:
    """Any text is a query: scripts, emoji, very long, lone surrogates, control characters."""
    assert len(store.search(query, 3)) == 3


def test_search_in_an_empty_store(directory: Path) -> None:
    """A store without items finds nothing and exports an empty context."""
    with PrivateContextStore(directory) as store:
        assert store.search("anything") == []
        assert store.export() == PrivateContext()


def test_wrong_arguments_are_named(store: PrivateContextStore) -> None:
    """A k below 1 or an unknown kind is an error that says what is possible."""
    with pytest.raises(ConfigurationError, match="k is 0"):
        store.search("x", 0)
    with pytest.raises(ConfigurationError, match=r"letters\. Kinds are profile, writing, activity"):
        store.search("x", 1, ["letters"])  # type: ignore[list-item]


def test_no_text_is_on_disk(store: PrivateContextStore, directory: Path) -> None:
    """No value of the context is in any file, in either case, or as UTF-16."""
    store.search("tarantella")
    store.close()
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert len(files) > 5
    content = b"\n".join(path.read_bytes() for path in files).lower()
    for canary in CANARIES:
        assert canary.lower().encode() not in content
        assert canary.lower().encode("utf-16-le") not in content


def test_everything_is_private_to_its_owner(directory: Path, store: PrivateContextStore) -> None:
    """Directories are 0700 and files 0600."""
    store.search("x")
    for path in (directory, *directory.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path.name


def test_values_withhold_their_payload(store: PrivateContextStore) -> None:
    """Neither the store nor what it finds prints what is known."""
    shown = f"{store!r} {store} {store.search('regatta', 20)!r} {store.items()}"
    assert not [canary for canary in CANARIES if canary in shown]


def test_a_reader_sees_what_another_store_added(
    directory: Path, store: PrivateContextStore
) -> None:
    """An open store notices additions and rebuilds made through another one."""
    store.search("x")
    with PrivateContextStore(directory) as other:
        other.add(PrivateContext(activities=(Activity(text="bought a sousaphone"),)))
        assert "sousaphone" in store.search("sousaphone", 1)[0].item.text
        other.rebuild()
        assert "sousaphone" in store.search("sousaphone", 1)[0].item.text
        store.add(PrivateContext(activities=(Activity(text="sold a bassoon"),)))
        assert "bassoon" in other.search("bassoon", 1)[0].item.text


def test_threads_share_a_store(directory: Path) -> None:
    """Additions and searches from many threads lose nothing."""
    with PrivateContextStore(directory) as store:

        def work(thread: int) -> None:
            for number in range(5):
                note = Activity(text=f"thread {thread} note {number}")
                store.add(PrivateContext(activities=(note,)))
                assert store.search(f"thread {thread}", 1)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store) == 20


def test_a_second_writer_is_told(directory: Path, store: PrivateContextStore) -> None:
    """While one holds the lock, another gives up after its time-out and says what to do."""
    import filelock

    with (
        filelock.FileLock(directory / "lock"),
        PrivateContextStore(directory, lock_timeout=0.05) as other,
    ):
        assert other.items()
        with pytest.raises(StoreLockedError, match="Another process is writing"):
            other.add(PrivateContext(activities=(Activity(text="x"),)))


def test_erase_removes_every_file(directory: Path, store: PrivateContextStore) -> None:
    """After `erase` nothing of the store is on disk, and the directory can be used anew."""
    store.search("x")
    store.erase()
    assert not directory.exists()
    with PrivateContextStore(directory) as again:
        assert len(again) == 0
        again.add(PrivateContext(activities=(Activity(text="fresh"),)))
        assert len(again.search("fresh")) == 1


def test_erase_leaves_files_of_others(directory: Path, store: PrivateContextStore) -> None:
    """A file that isn't the store's own stays."""
    (directory / "mine.txt").write_text("mine")
    store.erase()
    assert [path.name for path in directory.iterdir()] == ["mine.txt"]


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    """A path that can't be a directory is named."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file can't be used as a store's directory"):
        PrivateContextStore(tmp_path / "file")


def test_many_stores_leave_no_files_open(tmp_path: Path, wren: PrivateContext) -> None:
    """Stores opened one after the other pile up neither file handles nor threads."""
    handles, threads = Path("/proc/self/fd"), Path("/proc/self/task")
    if not handles.exists():
        pytest.skip("needs /proc to count open files")

    def count() -> tuple[int, int]:
        return len(os.listdir(handles)), len(os.listdir(threads))

    counts = []
    for number in range(12):
        with PrivateContextStore(tmp_path / str(number)) as store:
            store.add(wren)
            store.search("dinner")
        counts.append(count())
    most = (counts[1][0] + 2, counts[1][1] + 2)
    # Chroma's threads end a little after their client does.
    deadline = time.monotonic() + 10
    late = count()
    while (late[0] > most[0] or late[1] > most[1]) and time.monotonic() < deadline:
        time.sleep(0.1)
        late = count()
    assert late[0] <= most[0]
    assert late[1] <= most[1]


_text = st.text(min_size=1, max_size=30)
_maybe = st.none() | _text
_many = st.lists(_text, max_size=3, unique=True).map(tuple)
_contexts = st.builds(
    PrivateContext,
    profile=st.none()
    | st.builds(
        UserProfile,
        name=_text,
        age=st.none() | st.integers(0, 150),
        company=_maybe,
        location=_maybe,
        traits=_many,
        style=_many,
        facts=_many,
        contacts=st.lists(
            st.builds(Contact, name=_text, relation=_maybe, email=_maybe, phone=st.none()),
            max_size=2,
            unique_by=lambda contact: contact.model_dump_json(),
        ).map(tuple),
    ),
    activities=st.lists(
        st.builds(Activity, kind=_text, when=_maybe, text=_text, people=_many, place=_maybe),
        max_size=3,
        unique_by=lambda activity: activity.model_dump_json(),
    ).map(tuple),
    writings=st.lists(
        st.builds(WritingSample, text=_text, title=_maybe, recipient=_maybe, when=_maybe),
        max_size=2,
        unique_by=lambda sample: sample.model_dump_json(),
    ).map(tuple),
)


@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(context=_contexts)
def test_any_context_survives_the_disk(
    tmp_path_factory: pytest.TempPathFactory, context: PrivateContext
) -> None:
    """Whatever the schema allows is exported as it was added, from disk."""
    directory = tmp_path_factory.mktemp("store")
    with PrivateContextStore(directory) as store:
        store.add(context)
    with PrivateContextStore(directory) as store:
        assert store.export() == context
