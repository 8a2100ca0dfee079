"""The named spaces on the table of real trials: what they say was measured stands on the page."""

from __future__ import annotations

import pytest

from search_spaces.spaces import NAMED_SPACES, NamedSpace
from tests.benchmarks.search.points import read_costs, read_rows
from tests.benchmarks.search.spaces import HERE, on_the_table, outcome

ROWS, COSTS = read_rows(HERE / "trials.csv"), read_costs(HERE / "costs.csv")


def test_the_table_lacks_dimensions_of_the_widest_space_alone() -> None:
    measured = [named.name for named in on_the_table()]
    assert measured == [named.name for named in NAMED_SPACES if named.name != "wide"]


@pytest.mark.parametrize("named", tuple(on_the_table()), ids=lambda named: named.name)
def test_what_a_space_says_was_measured_stands_on_the_page(named: NamedSpace) -> None:
    page = (HERE / "SPACES.md").read_text()
    [row] = [line for line in page.splitlines() if line.startswith(f"| `{named.name}` |")]
    _, _, trials, best, _, _, seconds, _ = (cell.strip() for cell in row.split("|"))
    assert named.measured == f"{float(best):.1%} of validation after {seconds} s, {trials} trials"


def test_a_replay_of_a_space_comes_near_its_page_and_trains_what_it_may() -> None:
    by_name = {named.name: outcome(named, ROWS, COSTS, 3) for named in on_the_table()}
    trials = {name: one.trials for name, one in by_name.items()}
    assert trials == {"paper": 2, "quick": 21, "standard": 21}
    assert by_name["quick"].seconds < by_name["standard"].seconds / 2
    assert 0.88 < min(by_name["paper"].best) <= max(by_name["standard"].best) <= 0.975
