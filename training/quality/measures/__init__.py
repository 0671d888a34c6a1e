"""How much: distances, neighbours, spread, memorisation, intervals."""
