"""The ID-card reader: frames (``codec``), text blocks (``layouts``), and reading a card (``reader``)."""
