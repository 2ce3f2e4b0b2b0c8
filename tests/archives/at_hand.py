"""Archives as a test asks for them, and in the hands of somebody who has pyarrow too."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from huissier.adapters.archive.columns import SCHEMA, blocks_of, rows_of
from huissier.adapters.archive.groups import MANNER
from huissier.adapters.archive.layout import SUMS, Layout, sum_of, sums_of
from huissier.adapters.archive.reading import Archive
from huissier.adapters.archive.writing import Exported, export
from huissier.adapters.deciding.engine import Engine
from huissier.adapters.evidence.making import checkpoint_of
from huissier.adapters.log.port import Readable, Whole
from huissier.adapters.testing.hospital import NOW
from tests.evidence.at_hand import nodes_of, signer


def exported(engine: Engine, folder: Path, keys: Path) -> Exported:
    """Export with a checkpoint."""
    with nodes_of(engine) as nodes:
        tree = nodes.tree()
    return export(engine.log, folder, tree, lambda tree: checkpoint_of(tree, signer(keys), NOW))


def rows_in(folder: Path) -> list[Whole]:
    return [row for page in Archive(folder).pages() for row in page]


def rows_of_log(log: Readable) -> list[Whole]:
    with log.reading() as look:
        return look.whole_after(0, look.head + 1)


class ByHand:
    """Changes the files of an archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def part(self, number: int = -1) -> Path:
        layout = Layout(self.folder)
        return layout.path(layout.parts[number])

    def table(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.part()).select(SCHEMA.names).to_pylist()
        return rows

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Write the last part again, and its sum."""
        self.write_table(pa.Table.from_pylist(rows, SCHEMA))

    def write_table(self, table: pa.Table, **manner: Any) -> None:
        """Write the last part again as an export does it, but for what is named otherwise, and its sum."""
        pq.write_table(table, self.part(), **MANNER | manner)
        self.sum_again()

    def change(self, position: int, **columns: Any) -> None:
        """Change columns of a row; what follows from them stays as it was."""
        rows = self.table()
        rows[position - rows[0]["position"]].update(columns)
        self.write(rows)

    def rewrite(self, change: Callable[[list[Whole]], list[Whole]]) -> None:
        """Change the events of the last part, with everything that follows from them."""
        rows = change(rows_of(pq.read_table(self.part()).combine_chunks().to_batches()[0]))
        self.write_table(pa.Table.from_batches([block.batch for block in blocks_of(rows)]))

    def sum_again(self) -> None:
        layout = Layout(self.folder)
        parts = [part._replace(sha256=sum_of(layout.path(part))) for part in layout.parts]
        (self.folder / SUMS).write_bytes(sums_of(parts))

    def drop_last_sum(self) -> None:
        lines = (self.folder / SUMS).read_text().splitlines(keepends=True)
        (self.folder / SUMS).write_text("".join(lines[:-1]))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
