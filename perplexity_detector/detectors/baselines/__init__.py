"""What others do, with the detector's interface: rules, TF-IDF, networks, published scores."""
