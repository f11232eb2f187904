"""`python -m benchmarks.speed`."""

import fire

from benchmarks.speed.run import main

if __name__ == "__main__":
    fire.Fire(main)
