"""My_TextClassifier_Model and its command line: `python model.py train --dataset=...`."""

from perplexity_detector.command_line import My_TextClassifier_Model, main

__all__ = ["My_TextClassifier_Model", "main"]

if __name__ == "__main__":
    main()
