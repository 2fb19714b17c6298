"""The catastrophe of a power cut, thousands of times: any legal part of what was not synced is lost."""

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.crash.amounts import times
from tests.crash.simulated import Kind, Luck
from tests.crash.trace import Trace, judge_crash, run, run_recovery

STATES = times(2000)
RUNS = 8
TWICE = times(60)
CRASHES_OF_A_RECOVERY = 5
WARM_CALLS = 20
LUCKS = tuple(Luck)

THOUSANDS = settings(
    max_examples=STATES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_traces: dict[int, Trace] = {}


def trace_of(folder: Path, seed: int) -> Trace:
    if seed not in _traces:
        _traces[seed] = run(folder / "run", seed)
    return _traces[seed]


def test_same_seed_gives_the_same_run(memory: Path) -> None:
    assert run(memory / "one", 5) == run(memory / "two", 5)
    assert run(memory / "one", 5) != run(memory / "two", 6)


def test_run_makes_every_call_that_a_crash_can_come_before(memory: Path) -> None:
    found = {call.kind for call in trace_of(memory, 0).calls}
    assert found == set(Kind) - {Kind.SYNC_DATA}


def test_crash_that_loses_nothing_leaves_what_was_there(memory: Path) -> None:
    trace = trace_of(memory, 0)
    verdict = judge_crash(trace, len(trace.calls), Luck.EVERYTHING, 0, memory / "crashed")
    assert verdict.wrong == ()
    assert verdict.lost_us == 0


@pytest.mark.slow
@pytest.mark.timeout(times(900))
@THOUSANDS
@given(run_seed=st.integers(0, RUNS - 1), data=st.data(), luck=st.sampled_from(Luck), seed=st.integers(0, 2**32))
def test_crashes_anywhere_break_no_invariant(
    memory: Path, run_seed: int, data: st.DataObject, luck: Luck, seed: int
) -> None:
    trace = trace_of(memory, run_seed)
    at = data.draw(st.integers(0, len(trace.calls)))
    verdict = judge_crash(trace, at, luck, seed, memory / "crashed")
    assert verdict.wrong == ()


@pytest.mark.slow
@pytest.mark.timeout(times(900))
def test_second_crash_while_the_first_is_recovered_breaks_no_invariant(memory: Path) -> None:
    draw = random.Random(3)
    for number in range(TWICE):
        trace = trace_of(memory, number % RUNS)
        at, seed = draw.randint(WARM_CALLS, len(trace.calls)), draw.randrange(2**32)
        again = run_recovery(trace, at, draw.choice(LUCKS), seed, memory / "once")
        for _ in range(CRASHES_OF_A_RECOVERY):
            # the state that the first crash left stands before the first sync
            first = 1 + next(number for number, call in enumerate(again.calls) if call.kind is Kind.SYNC)
            then, luck = draw.randint(first, len(again.calls)), draw.choice(LUCKS)
            verdict = judge_crash(again, then, luck, seed, memory / "twice")
            assert verdict.wrong == (), f"run {number % RUNS}, {at}, {seed}, {then}, {luck}"
