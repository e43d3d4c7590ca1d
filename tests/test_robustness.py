"""Every bad input through its command: one sentence, nothing half-written, nothing run, and the page says so."""

import pytest
from bad_input import CASES, MARK
from write_robustness import TARGET, page, see


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    return [see(case, tmp_path_factory.mktemp("bad")) for case in CASES]


def test_every_refusal_is_one_sentence_and_leaves_nothing(outcomes):
    for seen in outcomes:
        assert seen.code == seen.case.code, (seen.case.title, seen.said)
        assert seen.left == (), seen.case.title
        assert "Traceback" not in seen.said
        assert "unforeseen" not in seen.said, (seen.case.title, seen.said)
        if seen.code == 1:
            assert not seen.written, seen.case.title
            assert seen.said.startswith("brainsim: ")
            assert seen.said.count("\n") == 0
            assert ";" in seen.said, "what to do about it"
        else:
            assert seen.written, seen.case.title
        assert MARK not in seen.left


def test_the_page_says_what_users_see(outcomes):
    assert TARGET.read_text(encoding="utf-8") == page(outcomes), "run `make docs`"
