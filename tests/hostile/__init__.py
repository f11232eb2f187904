"""What a stranger may send: it costs its request, not the memory or the time of others."""
