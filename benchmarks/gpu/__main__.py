"""`python -m benchmarks.gpu`."""

import os

import fire

from benchmarks.gpu.run import main

if __name__ == "__main__":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    fire.Fire(main)
