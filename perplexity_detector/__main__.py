"""`python -m perplexity_detector`: the command line."""

from perplexity_detector.command_line import main

if __name__ == "__main__":
    main()
