"""Archives: a log as Parquet files by month, with its checkpoints; verified, replayed, queried and read back.

What a file holds is in `columns`, which files there are in `layout`; `writing` only adds files, `reading` checks each
row it gives. An archive has no INS, for the log has none; the vault and its key stay where they are.
"""
