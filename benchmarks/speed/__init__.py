"""How fast texts are read, compared with peers and with the machine's limit."""
