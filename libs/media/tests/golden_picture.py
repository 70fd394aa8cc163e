"""Pictures made of a number: blocks of many sizes over a slope, in whole numbers only, so that they
are the same everywhere and always."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CELLS = (97, 41, 19, 7, 3)


def picture(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """Height × width × 3."""
    random = np.random.Generator(np.random.PCG64(seed))
    total = np.zeros((height, width, 3), dtype=np.int64)
    for cell in _CELLS:
        rows, columns = -(-height // cell), -(-width // cell)
        grid = random.integers(0, 256, (rows, columns, 3), dtype=np.int64)
        whole = grid.repeat(cell, axis=0).repeat(cell, axis=1)
        total += whole[:height, :width] * cell
    across = (np.arange(width) * 255 // width)[None, :, None]
    total = total // sum(_CELLS) * 3 + across
    return (total // 4).astype(np.uint8)
