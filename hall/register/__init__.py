"""Who is registered: taxpayers, the persons bound to them, what they have to file, and what they owe."""
