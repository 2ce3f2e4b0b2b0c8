"""Every projection there is."""

from typing import Final

from huissier.projections.directory.facts import Directory
from huissier.projections.exchanges import Exchanges
from huissier.projections.obligations import Obligations
from huissier.projections.projection import Projection
from huissier.projections.trail import Trail

ALL: Final[tuple[type[Projection], ...]] = (Directory, Trail, Exchanges, Obligations)
