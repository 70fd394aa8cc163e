"""The story as data: who lives on Largo, also those of the month before, what they wrote, who
reported what.

Guarantees: what is read names only people, items and pictures that are there, else ValueError;
nobody in it is a real person.
Must not: know how any of it is sent.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import Any

import msgspec


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody with an account; `joined` is days ago."""

    key: str
    name: str
    handle: str
    language: str
    bio: str
    joined: int
    followers: int
    ip: str


class Post(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody published `ago` hours before the story is told."""

    key: str
    author: str
    ago: float
    language: str
    title: str
    text: str
    likes: int
    pictures: tuple[str, ...] = ()
    film: str | None = None
    link: str | None = None
    place: str | None = None
    graphic: bool = False


class Comment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An answer to the post `on`."""

    key: str
    on: str
    author: str
    ago: float
    text: str


class Listing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something for sale."""

    key: str
    seller: str
    ago: float
    title: str
    text: str
    price: float
    currency: str
    pictures: tuple[str, ...] = ()


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message, so many minutes after the first of its thread."""

    author: str
    minutes: float
    text: str


class Thread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A private conversation that began `ago` hours ago; its messages are `{key}-{number}`, from 1;
    `reported` are some of them."""

    key: str
    title: str
    ago: float
    reported: tuple[str, ...]
    messages: tuple[Line, ...]


class LongThread(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A conversation of `count` messages, made of `lines` and `authors` in turn."""

    key: str
    title: str
    ago: float
    authors: tuple[str, ...]
    count: int
    reported: tuple[int, ...]
    reported_text: str
    reported_author: str
    lines: tuple[str, ...]

    def thread(self) -> Thread:
        """It, written out."""
        minutes_each = self.ago * 60 / (self.count + 1)
        messages = [
            Line(
                author=self.authors[(n * 7 + n // 5) % len(self.authors)],
                minutes=n * minutes_each,
                text=self.lines[n % len(self.lines)],
            )
            for n in range(self.count)
        ]
        for n in self.reported:
            messages[n - 1] = Line(
                author=self.reported_author,
                minutes=messages[n - 1].minutes,
                text=self.reported_text,
            )
        return Thread(
            key=self.key,
            title=self.title,
            ago=self.ago,
            reported=tuple(f"{self.key}-{n}" for n in self.reported),
            messages=tuple(messages),
        )


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `reporter` says of the post, comment or listing `item`."""

    item: str
    reporter: str
    reason: str
    policy: str
    ago: float


@dataclass(frozen=True)
class Story:
    """All of it."""

    people: tuple[Person, ...]
    posts: tuple[Post, ...]
    comments: tuple[Comment, ...]
    listings: tuple[Listing, ...]
    threads: tuple[Thread, ...]
    reports: tuple[Report, ...]

    @cached_property
    def pictures(self) -> frozenset[str]:
        """The names of all pictures but avatars."""
        posts = {name for one in self.posts for name in one.pictures}
        return frozenset(posts | {name for one in self.listings for name in one.pictures})

    @cached_property
    def films(self) -> frozenset[str]:
        """The names of all films."""
        return frozenset(one.film for one in self.posts if one.film)

    def check(self) -> None:
        """Raises ValueError where something is named that is not there."""
        people = {one.key for one in self.people}
        posts = {one.key for one in self.posts}
        comments, listings = ({one.key for one in some} for some in (self.comments, self.listings))
        named = {
            *(one.author for one in self.posts),
            *(one.author for one in self.comments),
            *(one.seller for one in self.listings),
            *(line.author for one in self.threads for line in one.messages),
            *(one.reporter for one in self.reports),
        }
        messages = {
            f"{one.key}-{n}" for one in self.threads for n in range(1, len(one.messages) + 1)
        }
        missing = (
            *(named - people),
            *({one.on for one in self.comments} - posts),
            *({one.item for one in self.reports} - posts - comments - listings),
            *({key for one in self.threads for key in one.reported} - messages),
        )
        if missing:
            raise ValueError(f"the story names what it has not: {', '.join(sorted(missing))}")


def read() -> Story:
    """The story that comes with the product. Raises ValueError."""
    posts, threads = _toml("posts"), _toml("threads")
    written = [msgspec.convert(one, Thread) for one in threads["thread"]]
    story = Story(
        people=(*_people("story", "people"), *_people("past", "past")),
        posts=msgspec.convert(posts["post"], tuple[Post, ...]),
        comments=msgspec.convert(posts["comment"], tuple[Comment, ...]),
        listings=msgspec.convert(posts["listing"], tuple[Listing, ...]),
        threads=(*written, msgspec.convert(threads["long"], LongThread).thread()),
        reports=msgspec.convert(_toml("reports")["report"], tuple[Report, ...]),
    )
    story.check()
    return story


def _people(part: str, name: str) -> tuple[Person, ...]:
    return msgspec.convert(_toml(name, part)["person"], tuple[Person, ...])


def _toml(name: str, part: str = "story") -> dict[str, Any]:
    text = resources.files(f"coop_local.demo.{part}").joinpath(f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)
