"""What `tagger quantise` says of a run."""

import pytest

from tagger.cli.quantise import left_text


@pytest.mark.parametrize(("left", "text"), [
    ([8, 12, 6], "8 of 8 inputs, 12-6 nodes; bits of zero took none away"),
    ([8, 11, 6], "8 of 8 inputs, 11-6 nodes; bits of zero took the others away"),
    ([3, 12, 6], "3 of 8 inputs, 12-6 nodes; bits of zero took the others away"),
    ([0, 0, 0], "0 of 8 inputs, 0-0 nodes; bits of zero took all away, the logit is a constant")])
def test_what_bits_of_zero_took_is_said_as_it_is(left, text):
    assert left_text(left, [8, 12, 6]) == text


def test_a_network_without_hidden_layers_has_no_nodes_to_name():
    assert left_text([5], [8]) == "5 of 8 inputs; bits of zero took the others away"
