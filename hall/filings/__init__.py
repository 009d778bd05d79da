"""Returns and what follows from them: taken in, declared to both bureaus, paid, entered, printed, reconciled."""
