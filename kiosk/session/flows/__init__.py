"""One file a flow: what each event means on the pages of that flow. ``machine.TABLE`` says which handler is whose."""
