"""`python -m benchmarks.docs`."""

import fire

from benchmarks.docs.generate import main

if __name__ == "__main__":
    fire.Fire(main)
