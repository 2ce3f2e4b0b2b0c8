"""Every projection there is."""

from typing import Final

from huissier.projections.projection import Projection

ALL: Final[tuple[type[Projection], ...]] = ()
