"""`python -m benchmarks.service`."""

import fire

from benchmarks.service.load import main

if __name__ == "__main__":
    fire.Fire(main)
