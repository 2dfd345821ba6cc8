"""Ratios by pairs, verdicts, and the reading of strace's table: plain functions, no processes."""

import pytest

import ratios
import report
import rounds
import syscalls


def run(proxy, p99=100.0, backend=4.0):
    return {"proxy_us": proxy, "backend_us": backend, "sum_us": proxy + backend, "p50_us": 50.0, "p99_us": p99,
            "rate": 1000.0, "foreign": 0.0, "stolen": 0.0, "errors": 0}


def cell(runs, loop="closed", connections=64, mode="plain"):
    return report.summarise({"mode": mode, "loop": loop, "connections": connections, "rate": None,
                             "real_time": False, "runs": runs})


def test_only_an_open_loop_has_arrivals():
    assert rounds.open_loop_options(None, "poisson") == {}
    assert rounds.open_loop_options(99.6, "poisson") == {"rate": 100, "poisson": True}
    assert rounds.open_loop_options(99.6, "constant") == {"rate": 100}


def test_every_second_round_runs_backwards():
    assert [ratios.order_of_round("abc", i) for i in range(3)] == [list("abc"), list("cba"), list("abc")]


def test_the_ratio_is_taken_within_rounds():
    # The machine became three times slower in the middle; each pair still says 0.8.
    ratio = ratios.ratio_by_pairs([8, 8, 24, 24, 24], [10, 10, 30, 30, 30])
    assert ratio.median == pytest.approx(0.8)
    assert (ratio.low, ratio.high, ratio.count) == (pytest.approx(0.8), pytest.approx(0.8), 5)


def test_one_disturbed_round_does_not_move_the_median():
    assert ratios.ratio_by_pairs([8, 80, 8, 8, 8], [10] * 5).median == pytest.approx(0.8)


def test_the_least_disturbed_rounds_are_kept_in_their_order():
    assert ratios.least_disturbed([0.3, 0.0, 0.1, 0.01, 0.02], 3) == [1, 3, 4]
    assert ratios.least_disturbed([0.3, 0.2], 5) == [0, 1]


def test_rounds_without_a_number_do_not_count():
    assert ratios.ratio_by_pairs([8, None, 8], [10, 10, 0]).count == 1
    assert ratios.ratio_by_pairs([None], [10]) is None
    with pytest.raises(ValueError):
        ratios.ratio_by_pairs([1, 2], [1])


@pytest.mark.parametrize("nginx, valid", [(13.9, False), (14.1, True), (18.9, True), (19.1, False)])
def test_a_run_counts_only_where_nginx_costs_what_it_should(nginx, valid):
    measured = cell({"nginx": [run(nginx)] * 5, "relay-link": [run(10)] * 5})
    assert measured["valid"] is valid
    assert report.run_is_valid([measured]) is valid


def test_validity_is_not_judged_elsewhere():
    runs = {"nginx": [run(50)], "relay-link": [run(10)]}
    assert report.run_is_valid([cell(runs, connections=1), cell(runs, mode="tls"), cell(runs, loop="open")]) is None


def test_verdicts_name_what_was_missed():
    cells = [cell({"sidekick-uring": [run(8, backend=1)] * 5, "nginx": [run(10)] * 5, "haproxy": [run(11)] * 5,
                   "relay-link": [run(6)] * 5})]
    found = {gate["what"]: gate["met"] for gate in report.verdicts(cells, {"plain": {"sidekick-epoll": {"per_request": 2.9}}})}
    assert found == {
        "sidekick-uring / nginx, closed loop, proxy_us": False,       # 0.80 > 0.75
        "sidekick-uring / haproxy, closed loop, proxy_us": True,      # 0.73
        "sidekick-uring / relay-link, closed loop, proxy_us": False,  # 1.33 > 1.25
        "sidekick-uring / nginx, closed loop, sum_us": True,          # 9/14
        "sidekick-epoll, system calls per request": False,
    }


def test_the_report_can_be_printed_with_every_part_missing():
    measured = cell({"nginx": [run(10)], "haproxy": [run(9)]})
    text = report.table({"machine": {"kernel": "x"}, "cells": [measured], "syscalls": {}, "gates": [], "valid": None,
                         "left_out": {"sidekick-uring": "not built"}})
    assert "haproxy" in text and "not judged" in text and "sidekick-uring: not built" in text


def test_straces_table_is_read_without_its_total():
    table = """\
% time     seconds  usecs/call     calls syscall
------ ----------- ----------- --------- ----------------
 60.00    0.500000           5    100000 writev
 40.00    0.300000           5     60007 recvfrom
------ ----------- ----------- --------- ----------------
100.00    0.800000           5    160007 total
"""
    assert syscalls.parse(table) == {"writev": 100000, "recvfrom": 60007}
