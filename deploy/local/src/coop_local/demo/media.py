"""The platform's pictures and films by their addresses.

/media/picture/{name}.jpg    /media/avatar/{key}.jpg    /media/film/{name}.mp4
"""

from __future__ import annotations

from coop_local.demo.story import film, picture


def media(path: str) -> tuple[str, bytes] | None:
    """Content type and bytes; None where nothing is."""
    kind, _, file = path.removeprefix("/media/").partition("/")
    name, _, ending = file.rpartition(".")
    if kind == "avatar" and ending == "jpg" and name.isalnum():
        return "image/jpeg", picture.avatar(name)
    if kind == "picture" and ending == "jpg" and name in picture.names():
        return "image/jpeg", picture.picture(name)
    if kind == "film" and ending == "mp4" and name in film.names():
        return "video/mp4", film.film(name)
    return None
