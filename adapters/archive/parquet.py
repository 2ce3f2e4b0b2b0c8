"""Pyarrow, where it is installed: three times as large as huissier with everything else it needs, so it is an extra."""

from huissier.adapters.errors import ArchiveError

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ModuleNotFoundError:
    raise ArchiveError("archives need pyarrow: install huissier[archive]") from None

__all__ = ["pa", "pq"]
