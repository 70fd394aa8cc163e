"""Pictures of the console's pages from the demo organisation, into docs/images/console.

    make screenshots

Guarantees: a stack of its own, with its story told and the month before it; the files are lossless
WebP of few colours, some twenty kilobytes each, so that all of them together stay small; large
areas keep the colour that they have.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PICTURES = ROOT / "docs" / "images" / "console"
ITEMS = 30
COLOURS = 128
EXACT = 48  # of them: those that most pixels have

sys.path.insert(0, str(ROOT))


def main() -> None:
    """Start, look, stop."""
    from PIL import Image

    from tests.local_stack import LocalStack, state_folder

    PICTURES.mkdir(parents=True, exist_ok=True)
    node = subprocess.check_output([sys.executable, HERE.parent / "scripts" / "node.py"], text=True)
    with (
        state_folder() as folder,
        LocalStack(
            folder / "state",
            COOP_DEMO_RATE="1",
            COOP_DEMO_STORY="true",
            COOP_READY_TIMEOUT="600",
        ) as stack,
    ):
        stack.wait_accepted(ITEMS, deadline=240)
        stack.wait_told()
        environment = os.environ | {
            "PATH": f"{node.strip()}:{os.environ['PATH']}",
            "COOP_CONSOLE_URL": stack.url("review-api"),
            "COOP_INGEST_URL": stack.url("ingest"),
            "COOP_DEMO_FILE": str(stack.state / "demo.json"),
        }
        script = ["node", "screenshots.mjs", str(PICTURES)]
        subprocess.run(script, cwd=HERE, env=environment, check=True)
    for old in PICTURES.glob("*.webp"):
        old.unlink()
    for path in sorted(PICTURES.glob("*.png")):
        small = path.with_suffix(".webp")
        with Image.open(path) as picture:
            few = _of_few_colours(picture.convert("RGB"))
            few.convert("RGB").save(small, lossless=True, quality=100, method=6)
        path.unlink()
        print(f"{small.relative_to(ROOT)}  {small.stat().st_size // 1024} KB")


def _of_few_colours(picture: Image.Image) -> Image.Image:
    from PIL import Image

    counted: Any = picture.getcolors(picture.width * picture.height)
    exact = [colour for _, colour in sorted(counted, reverse=True)[:EXACT]]
    # A glyph of a few pixels keeps its colour, too: what is rare counts as what is frequent.
    rest = picture.quantize(COLOURS - EXACT, method=Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for colour in exact for part in colour] + rest)
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


if __name__ == "__main__":
    main()
