"""The one way into every process: what is chosen is run, what is not there is told."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator, Sequence

import pytest

from coop_runtime.process import garbage
from coop_runtime.process.role import Command, Migration, Role, RoleTable, main

_ran: list[object] = []


class Settings:
    """Stands for a service's settings."""

    postgres = "postgresql://owner@there"

    @classmethod
    def load(cls) -> Settings:
        return cls()

    def require(self, *names: str) -> Settings:
        _ran.append(names)
        return self


class Built:
    """Stands for a service."""

    def run(self) -> int:
        return 7


def build(settings: Settings) -> Built:
    _ran.append(settings.postgres)
    return Built()


def migrate(url: str) -> None:
    _ran.append(url)


def carry_out(arguments: Sequence[str]) -> int:
    _ran.append(list(arguments))
    return 3


HERE = "stand_in_of_a_service"
TABLE = RoleTable(
    "coop_x",
    roles=(
        Role("api", f"{HERE}:build", settings=f"{HERE}:Settings", process="x", internal_port=1),
        Role("other", "absent:build", settings="absent:Settings", process="y", internal_port=2),
    ),
    migration=Migration(f"{HERE}:migrate", settings=f"{HERE}:Settings", database_role="r"),
    commands=(Command("create", f"{HERE}:carry_out"),),
)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This module under the name that the table gives it; garbage is collected as before."""
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    _ran.clear()
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.parametrize(
    ("arguments", "code", "ran"),
    [
        (["api"], 7, [Settings.postgres]),
        (["migrate"], 0, [("postgres",), Settings.postgres]),
        (["create", "--name", "a"], 3, [["--name", "a"]]),
        (["create"], 3, [[]]),
    ],
)
def test_what_is_chosen_is_run(arguments: list[str], code: int, ran: list[object]) -> None:
    """With its settings, and nothing of the others is imported; the exit code is its own."""
    assert main(TABLE, arguments) == code
    assert _ran == ran


def test_a_role_leaves_what_it_began_with_to_itself() -> None:
    """It is not looked through for garbage; a cycle made later is found all the same."""

    class Knot:
        """Refers to itself."""

        def __init__(self) -> None:
            self.self = self

    main(TABLE, ["api"])
    assert gc.get_freeze_count() > 0
    gone = weakref.ref(Knot())
    assert gone() is not None
    held = [[] for _ in range(2 * garbage.YOUNG)]  # type: ignore[var-annotated]
    assert held
    assert gone() is None


@pytest.mark.parametrize("arguments", [[], ["nobody"], ["api", "more"], ["migrate", "x"], [""]])
def test_what_is_not_in_the_table_is_told(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The usage on the standard error, exit code 2, and nothing is run."""
    assert main(TABLE, arguments) == 2
    told = capsys.readouterr()
    assert told.err == "usage: python -m coop_x api | other | migrate | create --help\n"
    assert told.out == ""
    assert _ran == []


def test_what_a_role_needs_and_is_not_installed_is_an_error() -> None:
    """It is not mistaken for a role that is not there."""
    with pytest.raises(ModuleNotFoundError, match="absent"):
        main(TABLE, ["other"])
