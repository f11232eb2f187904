"""Parts of the family `stylometry`: function words, punctuation, readability and so on."""
