"""How the service holds up under load."""
