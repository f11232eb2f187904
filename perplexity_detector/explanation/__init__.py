"""Why a text got its verdict: features, sentences and tokens, and reasons in words."""
