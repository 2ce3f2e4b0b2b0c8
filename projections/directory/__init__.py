"""The directory (annuaire) of local mailboxes: what each of them was at any time, found by whatever one knows of it."""
