"""Whether a store is whole: the log read from end to end and compared with its index and the vault; nothing is changed.

Memory stays the same at any size. What is found names positions and never what stands there.
"""

from huissier.adapters.integrity.checking import check_store
from huissier.adapters.integrity.findings import Problem, Report

__all__ = ["Problem", "Report", "check_store"]
