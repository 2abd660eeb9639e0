"""Results come in order, a bounded number of them early, errors where they are wanted, and no thread stays."""

import subprocess
import sys
import threading
from functools import partial
from itertools import count

import pytest

from pseudoexp.core.ahead import ahead, done_ahead

SECONDS = 20.0


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("pseudoexp-ahead")]


class Made:
    """Numbers, with a note of how many were made and a way to wait for that."""

    def __init__(self, fail_at: int = -1) -> None:
        self.number, self.fail_at = 0, fail_at
        self.changed = threading.Condition()

    def __iter__(self):
        for i in count():
            with self.changed:
                self.number += 1
                self.changed.notify_all()
            if i == self.fail_at:
                raise ValueError(f"no {i}")
            yield i

    def wait(self, number: int) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.number >= number, SECONDS)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_items_are_made_while_the_caller_has_others_but_not_all_of_them(number):
    made = Made()
    items = ahead(iter(made), number)
    assert threads() == [] and made.number == 0  # nothing before the first is asked for
    for i in range(10):
        assert next(items) == i
        assert made.wait(i + 1 + number) and len(threads()) == 1
        assert made.number == i + 1 + number
    del items
    assert threads() == []


def test_the_last_item_ends_the_thread():
    items = ahead(iter(range(1000)), 3)
    assert list(items) == list(range(1000)) and threads() == []
    nothing = ahead(iter(()), 3)
    assert list(nothing) == [] and threads() == []


def test_an_error_is_raised_where_its_item_would_come():
    items = ahead(iter(Made(fail_at=5)), 4)
    assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="no 5"):
        next(items)
    assert threads() == []


def test_several_threads_keep_the_order():
    """The first task waits for the second: that needs two threads."""
    second = threading.Event()

    def first() -> str:
        assert second.wait(SECONDS)
        return "first"

    def other() -> str:
        second.set()
        return "second"

    tasks = iter([first, other, *(partial(str, i) for i in range(20))])
    assert list(done_ahead(tasks, 2, 3)) == ["first", "second", *map(str, range(20))] and threads() == []


def test_a_process_ends_in_the_middle():
    """Also where somebody still holds the iterator."""
    script = "from itertools import count\nfrom pseudoexp.core.ahead import ahead\nkept = ahead(count(), 3)\nprint(next(kept))\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "0\n", "")
