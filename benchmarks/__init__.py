"""What huissier is measured against: see `README.md` beside this file."""
