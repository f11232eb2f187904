"""What can go wrong by a user's doing: each error's text is a sentence that says what to do."""


class PerplexityDetectorError(Exception):
    """Base of every error a user can cause; the command line prints it and exits 2."""


class DatasetError(PerplexityDetectorError):
    """A dataset cannot be read, or lacks what the command needs."""


class LanguageModelError(PerplexityDetectorError):
    """A language model is missing, broken or of a kind that cannot score text."""


class ArtefactError(PerplexityDetectorError):
    """A saved detector is missing, incomplete, altered or of another format version."""


class TrackingError(PerplexityDetectorError):
    """MLflow is missing or its store cannot be written; the training itself is not affected."""


class InputError(PerplexityDetectorError, ValueError):
    """An argument has a value that cannot be used."""
