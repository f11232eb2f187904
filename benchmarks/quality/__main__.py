"""`python -m benchmarks.quality`."""

import fire

from benchmarks.quality.run import main

if __name__ == "__main__":
    fire.Fire(main)
