"""The story's people and items as a platform sends them.

Guarantees: pure: the same story at the same moment gives the same requests; an item's id is the
same each time the story is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from coop_local.demo.story.content import Comment, Listing, Person, Post, Report, Story, Thread

Json = dict[str, Any]


class StoryItems:
    """What `story` looks like on the wire when it is told at `now` by a platform whose media lie
    at `media_url`. `types` and `policies` are ids by name."""

    def __init__(
        self,
        story: Story,
        *,
        now: datetime,
        media_url: str,
        types: Mapping[str, str],
        policies: Mapping[str, str],
    ) -> None:
        self._story = story
        self._now = now
        self._media_url = media_url
        self._types = types
        self._policies = policies
        self._people = {one.key: one for one in story.people}

    def people(self) -> list[Json]:
        """Everybody's profile."""
        return [self._profile(one) for one in self._story.people]

    def published(self) -> list[Json]:
        """Posts, comments and listings, the oldest first."""
        story = self._story
        made = [
            *((one.ago, self._post(one)) for one in story.posts),
            *((one.ago, self._comment(one)) for one in story.comments),
            *((one.ago, self._listing(one)) for one in story.listings),
        ]
        return [item for _, item in sorted(made, key=lambda one: -one[0])]

    def messages(self) -> Iterator[Json]:
        """Every message of every thread, and the threads before them."""
        for thread in self._story.threads:
            yield self._thread(thread)
            yield from self._messages(thread)

    def reports(self) -> list[Json]:
        """What users reported, the oldest first; of a message with its thread around it."""
        items = {item["id"]: item for item in self.published()}
        told = sorted(self._story.reports, key=lambda one: -one.ago)
        return [*(self._report(one, items[one.item]) for one in told), *self._of_messages()]

    def _of_messages(self) -> Iterator[Json]:
        for thread in self._story.threads:
            messages = self._messages(thread)
            for key in thread.reported:
                at = next(n for n, one in enumerate(messages) if one["id"] == key)
                victim = next(
                    line.author
                    for line in thread.messages
                    if self._ref(line.author) != messages[at]["data"]["author"]
                )
                yield self._said(
                    victim,
                    messages[at],
                    when=self._now - timedelta(minutes=20),
                    reason="This is a threat.",
                    policy="Threats",
                ) | {"reportedItemThread": messages[max(0, at - 200) : at + 200]}

    def _profile(self, person: Person) -> Json:
        return self._item(
            person.key,
            "Profile",
            {
                "name": person.name,
                "handle": person.handle,
                "bio": person.bio,
                "language": person.language,
                "followers": person.followers,
                "avatar": f"{self._media_url}/avatar/{person.key}.jpg",
                "joined_at": self._at(person.joined * 24),
                "address": person.ip,
            },
        )

    def _post(self, post: Post) -> Json:
        data = {
            "title": post.title or None,
            "likes": post.likes,
            "language": post.language,
            "images": self._pictures(post.pictures),
            "link": post.link,
            "place": post.place,
            "film": f"{self._media_url}/film/{post.film}.mp4" if post.film else None,
        }
        return self._item(post.key, "Post", self._authored(post.author, post.text, post.ago) | data)

    def _comment(self, comment: Comment) -> Json:
        data = self._authored(comment.author, comment.text, comment.ago)
        data["post"] = data["answers"] = {"id": comment.on, "typeId": self._types["Post"]}
        return self._item(comment.key, "Comment", data)

    def _listing(self, listing: Listing) -> Json:
        data = {
            "title": listing.title,
            "price": listing.price,
            "currency": listing.currency,
            "images": self._pictures(listing.pictures),
        }
        authored = self._authored(listing.seller, listing.text, listing.ago)
        return self._item(listing.key, "Listing", authored | data)

    def _thread(self, thread: Thread) -> Json:
        data = {"title": thread.title, "started_at": self._at(thread.ago)}
        return self._item(thread.key, "DM thread", data)

    def _messages(self, thread: Thread) -> list[Json]:
        made = []
        for number, line in enumerate(thread.messages, 1):
            data = self._authored(line.author, line.text, thread.ago - line.minutes / 60)
            del data["address"]
            data["thread"] = {"id": thread.key, "typeId": self._types["DM thread"]}
            made.append(self._item(f"{thread.key}-{number}", "Direct message", data))
        return made

    def _report(self, report: Report, item: Json) -> Json:
        return self._said(
            report.reporter,
            item,
            when=self._now - timedelta(hours=report.ago),
            reason=report.reason,
            policy=report.policy,
        )

    def _said(self, reporter: str, item: Json, *, when: datetime, reason: str, policy: str) -> Json:
        because = {"policyId": self._policies[policy]} | ({"reason": reason} if reason else {})
        return {
            "reporter": {"kind": "user", **self._ref(reporter)},
            "reportedAt": when.isoformat(),
            "reportedForReason": because,
            "reportedItem": item,
        }

    def _authored(self, author: str, text: str, ago: float) -> Json:
        return {
            "text": text,
            "author": self._ref(author),
            "created_at": self._at(ago),
            "address": self._people[author].ip,
        }

    def _item(self, key: str, type_name: str, data: Json) -> Json:
        given = {name: value for name, value in data.items() if value not in (None, [])}
        return {"id": key, "typeId": self._types[type_name], "data": given}

    def _pictures(self, names: tuple[str, ...]) -> list[str]:
        return [f"{self._media_url}/picture/{name}.jpg" for name in names]

    def _ref(self, person: str) -> Json:
        return {"id": person, "typeId": self._types["Profile"]}

    def _at(self, hours_ago: float) -> str:
        return (self._now - timedelta(hours=hours_ago)).isoformat()
