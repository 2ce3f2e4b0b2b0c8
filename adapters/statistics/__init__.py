"""Exchange statistics as files and pages: layouts, the gate that no INS passes, and what writes them."""
