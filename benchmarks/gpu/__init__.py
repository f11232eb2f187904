"""Everything a GPU must show: correctness, speed and how busy the card is."""
