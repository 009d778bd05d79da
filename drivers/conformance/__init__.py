"""The conformance kit: what every device of a kiosk has to do right, as named cases.

Each driver passes all of them against its simulator, with faults on the wire; a technician runs those that need no
fault against the hardware. ``case`` says what a case is, ``wire`` spoils bytes, ``hand`` does what a person does to a
device, ``matrix`` puts exchanges and faults together; one file a class of device; ``suite`` runs and counts.
"""
