"""Pyarrow, where it is installed: twice as large as huissier with all its other dependencies, so it is an extra."""

from huissier.adapters.errors import ArchiveError

try:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq
except ModuleNotFoundError:
    raise ArchiveError("archives need pyarrow: install huissier[archive]") from None

__all__ = ["pa", "pc", "pq"]
