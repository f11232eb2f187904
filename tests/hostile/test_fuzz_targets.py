"""What fuzzing begins with, and what it has found: none of it fails."""

import pytest

from tests.fuzz.targets import TARGETS, seeds

#: Inputs that failed once, by target.
FOUND = {
    # an id that is half a surrogate pair
    "datasets": [b'\x02{"id": "\\ud800", "text": "\\udfff"}\n'],
}


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_findings_pass(target):
    for content in [*seeds(target), *FOUND.get(target, [])]:
        TARGETS[target](content)
