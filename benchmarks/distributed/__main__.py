"""`python -m benchmarks.distributed`."""

import fire

from benchmarks.distributed.run import main

if __name__ == "__main__":
    fire.Fire(main)
