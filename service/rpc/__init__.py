"""How a call arrives and its answer leaves."""
