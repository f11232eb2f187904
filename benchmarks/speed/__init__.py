"""How fast texts are read, beside peers and beside the machine's limit, and what that costs."""
