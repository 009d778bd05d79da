"""The hall's kiosks: how they become known, and what they report."""
