"""References to media, on this API's wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from coop_contracts.event import SubmittedItem
from coop_queues.job import Job
from coop_review_api.http.body import Model
from coop_review_api.media_value.reference import MediaReference, digest_of, signed
from coop_review_api.media_value.value import values_of
from coop_runtime.secret.vault import Vault

_MOST: Final = 1000  # of one job


class MediaValueView(Model):
    """A picture, film or sound in what is shown here: `pointer` leads to its value, `ref` is what
    `/v1/media/{ref}` is asked by. `kind` is as the platform, or the address, says; null where
    neither does. Its facts know."""

    ref: str
    pointer: str
    kind: Literal["IMAGE", "VIDEO", "AUDIO"] | None


def media_of_job(
    vault: Vault, org_id: str, job: Job, *, second_review_id: str = ""
) -> list[MediaValueView]:
    """The media in a job's payload, by pointers into that; for a second review they say nothing of
    the job."""
    found: list[MediaValueView] = []
    place = {"second_review_id": second_review_id} if second_review_id else {}
    if not second_review_id:
        place["job_id"] = job.summary.job_id
    for at, item in _items(job):
        room = _MOST - len(found)
        if room <= 0:
            break
        found += media_of_item(vault, org_id, item, at=at, **place)[:room]
    return found


def _items(job: Job) -> Iterator[tuple[str, SubmittedItem]]:
    yield "/item", job.item
    for name, items in (
        ("additionalItems", job.additional_items),
        ("threadItems", job.thread_items),
        ("earlierItems", job.earlier_items),
    ):
        for position, item in enumerate(items):
            yield f"/{name}/{position}", item


def media_of_item(
    vault: Vault,
    org_id: str,
    item: SubmittedItem,
    *,
    at: str = "",
    job_id: str = "",
    submission_id: str = "",
    second_review_id: str = "",
) -> list[MediaValueView]:
    """The media of an item that is shown at the pointer `at`: in a job, in which it lies or, with
    `submission_id`, beside which the history has it; in a second review; or looked up, without a
    job."""
    return [
        MediaValueView(
            ref=signed(
                vault,
                org_id,
                MediaReference(
                    job_id=job_id,
                    submission_id=submission_id,
                    type_id=item.type_id,
                    item_id=item.id,
                    pointer=value.pointer,
                    digest=digest_of(value.url),
                    second_review_id=second_review_id,
                ),
            ),
            pointer=f"{at}/data{value.pointer}",
            kind=value.kind,
        )
        for value in values_of(item.data)
    ]
