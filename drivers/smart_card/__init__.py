"""Smart cards behind pcscd: commands (``apdu``), errors, connections, the watch over a slot, the technician's card."""
