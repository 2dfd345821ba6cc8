"""The page of a latency report as a browser sees it: its numbers are those of the JSON, and nothing in it runs."""

import html.parser
import json
import shutil
import subprocess

import pytest

CHROMIUM = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Page(html.parser.HTMLParser):
    """What a test needs of the DOM: the body's attributes, text by id, and cells by route and level."""

    def __init__(self):
        super().__init__()
        self.body, self.title, self.ids, self.scripts = {}, "", {}, 0
        self.verdicts = {}  # (route, level): {field: value}
        self.summary = {}   # route: {field: value}
        self.tables = {}    # id of a table: [{field: value} per row]
        self.charts = {}    # id: its title
        self._route = self._row = self._table = self._open_id = self._chart = None
        self._in_svg = self._in_title = False

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        if tag == "body":
            self.body = a
        elif tag == "script":
            self.scripts += 1
        elif tag == "section" and "route" in a.get("class", ""):
            self._route = a["data-route"]
        elif tag == "table":
            self._table = a.get("id")
        elif tag == "tr":
            self._row = {}
            if "data-level" in a:
                self.verdicts[self._route, a["data-level"]] = self._row
                self._row["outcome"] = a["data-outcome"]
            elif self._table == "summary" and "data-route" in a:
                self.summary[a["data-route"]] = self._row
            if self._table:
                self.tables.setdefault(self._table, []).append(self._row)
        elif tag == "td" and "data-field" in a:
            self._row[a["data-field"]] = a["data-value"]
        elif tag == "svg":
            self._in_svg = True  # whose parts have titles of their own
            self._chart = a.get("id")
        elif tag == "title":
            self._in_title = True
            if self._chart and a.get("id") != f"{self._chart}-t":
                self._in_title = False  # a point's
        if "id" in a:
            self._open_id = a["id"]
            self.ids.setdefault(a["id"], "")

    def handle_endtag(self, tag):
        if tag == "title":
            self._in_title = False
        if tag == "svg":
            self._in_svg, self._chart = False, None
        if tag in ("p", "dd", "code", "h3"):
            self._open_id = None

    def handle_data(self, data):
        if self._in_title and self._chart:
            self.charts[self._chart] = self.charts.get(self._chart, "") + data
        elif self._in_title and not self._in_svg:
            self.title += data
        if self._open_id:
            self.ids[self._open_id] += data


def dump_dom(page, profile):
    assert shutil.which("chromium"), "chromium is missing: it is in packaging/packages-test.txt"
    done = subprocess.run([*CHROMIUM, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()], capture_output=True,
                          text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return done.stdout


def opened(page, profile):
    parsed = Page()
    parsed.feed(dump_dom(page, profile))
    return parsed


@pytest.fixture(scope="module")
def samples(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    done = subprocess.run([programs / "bench-sample-report", folder], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return tmp_path_factory.mktemp("chromium")


def test_the_numbers_of_the_page_are_those_of_the_json(samples, profile):
    page = opened(samples / "budgets.html", profile)
    document = json.loads((samples / "budgets.json").read_text())

    assert page.body["data-outcome"] == document["outcome"] == "FAIL"
    assert page.body["data-exit-code"] == str(document["exit_code"]) == "1"
    assert "orders.write" in page.ids["headline"] and "pg_pool" in page.ids["headline"]
    assert page.ids["command"] == document["settings"]["command"]

    assert list(page.summary) == [route["name"] for route in document["routes"]]
    for route in document["routes"]:
        row = page.summary[route["name"]]
        assert int(row["requests"]) == route["requests"]
        assert int(row["failed"]) == route["requests"] - route["answered"]
        assert int(row["in_time"]) == route["in_time"]
        for field in ("p50_ms", "p99_ms", "p999_ms"):
            assert float(row[field]) == route["latency"][field]
        for verdict in route["verdicts"]:
            cells = page.verdicts[route["name"], verdict["level"]]
            assert cells["outcome"] == verdict["outcome"]
            for field in ("limit_ms", "measured_ms", "effective_requests"):
                assert float(cells[field]) == verdict[field]
            for field in ("requests", "exceedances", "pass_max", "fail_min", "runs_within"):
                assert cells[field] == ("" if verdict[field] is None else str(verdict[field])), field
        for chart in ("percentiles", "time", "stages"):
            index = document["routes"].index(route)
            assert page.charts[f"route-{index}-{chart}"]


def test_a_hostile_name_stays_text(samples, profile):
    page = opened(samples / "budgets.html", profile)
    hostile = json.loads((samples / "budgets.json").read_text())["routes"][3]["name"]
    assert "<script>" in hostile
    assert page.scripts == 0
    assert page.title == "FAIL - sidekick-bench budgets http://127.0.0.1:7500"
    assert hostile in page.summary


@pytest.mark.parametrize("mode, rows, fields", [
    ("capacity", "steps", ("rate", "requests", "measured_ms", "limit_ms")),
    ("overload", "points", ("offered", "answered", "goodput", "p50_ms", "p99_ms", "shed", "expired")),
    ("compare", "metrics", ("ratio", "ratio_low", "ratio_high", "confidence", "pairs_counted")),
])
def test_the_other_modes_show_their_numbers(samples, profile, mode, rows, fields):
    page = opened(samples / f"{mode}.html", profile)
    document = json.loads((samples / f"{mode}.json").read_text())
    shown = [row for row in page.tables[f"{mode}-table"] if row]
    assert len(shown) == len(document[mode][rows])
    for row, truth in zip(shown, document[mode][rows]):
        for field in fields:
            assert float(row[field]) == pytest.approx(truth[field], rel=1e-12), field
    assert page.charts[mode]
