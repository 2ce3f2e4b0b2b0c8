"""Faults survived: processes killed, servers stopped, connections cut, disks full, several processes, jumping clocks.

`pytest -m faults` runs them, for some minutes; `HUISSIER_FAULTS=thorough` makes them ten times as long. The usual
run leaves them out. Each ends in the same verdict (`verdict.py`): the log is read again from its first event and
decided again by the reference twin, and what was answered stands in it.
"""

import os

LONGER = 10 if os.environ.get("HUISSIER_FAULTS") == "thorough" else 1
