"""Read models kept up with the log: their database, and the runner that folds pages of facts into it."""
