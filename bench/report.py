"""Turns the runs of a comparison into a table, verdicts and JSON."""

from ratios import VALID_HIGH, VALID_LOW, ratio_by_pairs, spread, validity

# What the balancer must reach with 64 connections, plain, without access logs:
# (contender, loop, measure, reference, at most).
GATES = [
    ("sidekick-uring", "closed", "proxy_us", "nginx", 0.75),
    ("sidekick-uring", "closed", "proxy_us", "haproxy", 0.75),
    ("sidekick-epoll", "closed", "proxy_us", "nginx", 0.85),
    ("sidekick-epoll", "closed", "proxy_us", "haproxy", 0.85),
    ("sidekick-uring", "closed", "proxy_us", "relay-link", 1.25),
    ("sidekick-uring", "closed", "sum_us", "nginx", 0.75),
    ("sidekick-uring", "open", "proxy_us", "nginx", 1.0),
    ("sidekick-uring", "open", "p99_us", "nginx", 1.2),
    ("sidekick-epoll", "open", "proxy_us", "nginx", 1.0),
    ("sidekick-epoll", "open", "p99_us", "nginx", 1.2),
]
SYSCALL_GATES = {"sidekick-uring": 0.6, "sidekick-epoll": 2.8}
GATE_CONNECTIONS = 64
PAIRS_FOR_A_VERDICT = 5
MEASURES = ("proxy_us", "backend_us", "sum_us", "p50_us", "p99_us", "rate", "foreign", "stolen")


def column(runs, measure):
    return [run[measure] for run in runs]


def summarise(cell):
    """Adds medians and ratios to a cell: {"mode", "loop", "connections", "rate", "arrivals", "real_time", "runs": {name: [run]}}."""
    runs = cell["runs"]
    cell["summary"] = {
        name: {m: s.as_json() for m in MEASURES if (s := spread(column(own, m)))} |
              {"errors": sum(column(own, "errors"))}
        for name, own in runs.items()}
    cell["ratios"] = {
        name: {base: {m: r.as_json() for m in ("proxy_us", "sum_us", "p50_us", "p99_us")
                      if (r := ratio_by_pairs(column(own, m), column(runs[base], m)))}
               for base in ("nginx", "haproxy", "relay-link") if base in runs and base != name}
        for name, own in runs.items()}
    cell["valid"] = None
    if is_gate_cell(cell) and cell["loop"] == "closed" and {"nginx", "relay-link"} <= runs.keys():
        cell["valid"] = validity(ratio_by_pairs(column(runs["nginx"], "proxy_us"),
                                                column(runs["relay-link"], "proxy_us")))
    return cell


def is_gate_cell(cell):
    return cell["mode"] == "plain" and cell["connections"] == GATE_CONNECTIONS


def verdicts(cells, syscalls):
    """Every gate that was measured: {"what", "value", "at_most", "met", "pairs"}."""
    found = []
    for name, loop, measure, base, at_most in GATES:
        for cell in cells:
            if is_gate_cell(cell) and cell["loop"] == loop:
                ratio = cell["ratios"].get(name, {}).get(base, {}).get(measure)
                if ratio:
                    found.append({"what": f"{name} / {base}, {loop} loop, {measure}", "value": ratio["median"],
                                  "at_most": at_most, "met": ratio["median"] <= at_most, "pairs": ratio["count"]})
    for name, at_most in SYSCALL_GATES.items():
        counted = syscalls.get("plain", {}).get(name)
        if counted:
            found.append({"what": f"{name}, system calls per request", "value": counted["per_request"],
                          "at_most": at_most, "met": counted["per_request"] <= at_most, "pairs": None})
    return found


def run_is_valid(cells):
    """None: not judged (no cell with nginx and the link relay at 64 plain connections)."""
    judged = [cell["valid"] for cell in cells if cell["valid"] is not None]
    return all(judged) if judged else None


def _ratio(cell, name, base, measure):
    ratio = cell["ratios"].get(name, {}).get(base, {}).get(measure)
    return f"{ratio['median']:.2f} [{ratio['low']:.2f} {ratio['high']:.2f}]" if ratio else "-"


def _cell_lines(cell):
    at = f" at {cell['rate']:.0f}/s ({cell['arrivals']} arrivals)" if cell["rate"] else ""
    rounds = max(len(runs) for runs in cell["runs"].values())
    yield ""
    yield (f"{cell['mode']}, {cell['loop']} loop{at}, {cell['connections']} connections, {rounds} rounds"
           + (", under real-time priority" if cell["real_time"] else ""))
    yield (f"  {'':16}{'proxy us/req':>14}{'+ backend':>11}{'p50 us':>9}{'p99 us':>9}{'req/s':>9}{'errors':>8}"
           f"{'of nginx':>20}{'of haproxy':>20}{'of relay-link':>20}{'sum of nginx':>20}{'p99 of nginx':>20}")
    for name, own in cell["summary"].items():
        def mid(measure):
            return own[measure]["median"] if measure in own else float("nan")
        yield (f"  {name:16}{mid('proxy_us'):14.2f}{mid('sum_us'):11.2f}{mid('p50_us'):9.0f}{mid('p99_us'):9.0f}"
               f"{mid('rate'):9.0f}{own['errors']:8d}"
               f"{_ratio(cell, name, 'nginx', 'proxy_us'):>20}{_ratio(cell, name, 'haproxy', 'proxy_us'):>20}"
               f"{_ratio(cell, name, 'relay-link', 'proxy_us'):>20}{_ratio(cell, name, 'nginx', 'sum_us'):>20}"
               f"{_ratio(cell, name, 'nginx', 'p99_us'):>20}")
    foreign = spread([run["foreign"] for runs in cell["runs"].values() for run in runs])
    stolen = spread([run["stolen"] for runs in cell["runs"].values() for run in runs])
    yield (f"  others on our cores: {foreign.median:.0%} (at most {foreign.high:.0%}); taken by the hypervisor: "
           f"{stolen.median:.0%} (at most {stolen.high:.0%})")


def table(result):
    """The report as text; ratios are medians over rounds with [lowest highest]."""
    lines = [f"{key}: {value}" for key, value in result["machine"].items()]
    for cell in result["cells"]:
        lines += _cell_lines(cell)
    for mode, counted in result["syscalls"].items():
        lines += ["", f"{mode}, system calls per request under strace"]
        lines += [f"  {name:16}{c['per_request']:8.2f}   " + ", ".join(f"{k} {v}" for k, v in c["by_name"].items())
                  for name, c in counted.items()]
    if result["gates"]:
        lines += ["", "what must hold (64 connections, plain, no access log)"]
        for gate in result["gates"]:
            few = gate["pairs"] is not None and gate["pairs"] < PAIRS_FOR_A_VERDICT
            lines.append(f"  {'met   ' if gate['met'] else 'NOT MET'} {gate['value']:6.2f} of at most {gate['at_most']:.2f}: "
                         f"{gate['what']}{' (too few pairs for a verdict)' if few else ''}")
    valid = result["valid"]
    lines += ["", {
        None: "validity: not judged (needs nginx and relay-link, plain, closed loop, 64 connections)",
        True: f"validity: nginx is {VALID_LOW}-{VALID_HIGH} times the link relay, the run counts",
        False: f"validity: INVALID RUN, nginx is not {VALID_LOW}-{VALID_HIGH} times the link relay: noise, or a detuned peer",
    }[valid]]
    lines += [f"left out: {name}: {why}" for name, why in result["left_out"].items()]
    return "\n".join(lines)
