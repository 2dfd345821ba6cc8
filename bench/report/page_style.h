// The page's style sheet. Light and dark follow the reader's setting; every colour stands once per
// scheme. Numbers are tabular, verdicts carry a word and a sign besides their colour.
#pragma once

#include <string_view>

namespace sk::bench {

inline constexpr std::string_view kPageStyle = R"css(
:root{color-scheme:light dark;
--paper:#fbfbf9;--card:#fff;--ink:#1b1f24;--soft:#59636e;--rule:#e2e2dc;--faint:#f3f3ee;
--pass:#17734a;--pass-bg:#e4f4ea;--fail:#b3261e;--fail-bg:#fdeae7;--open:#8a5a00;--open-bg:#fdf3da;
--bad:#6b3fa0;--bad-bg:#f2eafb;--one:#2f6fb3;--two:#c8561a;--limit:#b3261e;--beyond:rgba(179,38,30,.06);
--s0:#2f6fb3;--s1:#e08a2e;--s2:#3a9a6c;--s3:#b4467f;--s4:#8a6fd1;--s5:#c9b227;--s6:#4aa9b8;--s7:#9c5a3c;--s8:#d4667a;--s9:#7f8b96}
@media (prefers-color-scheme:dark){:root{
--paper:#14171b;--card:#1b1f25;--ink:#e6e8ea;--soft:#9aa4af;--rule:#2d333b;--faint:#21262d;
--pass:#5bd197;--pass-bg:#12301f;--fail:#ff8a80;--fail-bg:#3a1714;--open:#f0c25e;--open-bg:#35290d;
--bad:#c9a6f5;--bad-bg:#2a1d3d;--one:#6fb0f0;--two:#f59a62;--limit:#ff8a80;--beyond:rgba(255,138,128,.08);
--s0:#6fb0f0;--s1:#f0a552;--s2:#5cc391;--s3:#e07bb0;--s4:#ad98ee;--s5:#e0cd55;--s6:#6fcbd9;--s7:#c58a6c;--s8:#f08c9d;--s9:#9aa4af}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Liberation Sans",sans-serif;
font-variant-numeric:tabular-nums}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 24px}
header{padding-top:36px}
h1{font-size:15px;font-weight:600;color:var(--soft);letter-spacing:.02em;margin:0}
h2{font-size:19px;margin:40px 0 12px}
h3{font-size:19px;margin:0;font-weight:650;overflow-wrap:anywhere}
h4{font-size:13px;font-weight:650;color:var(--soft);margin:0 0 8px;letter-spacing:.02em}
p{margin:8px 0}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono","Liberation Mono",monospace;overflow-wrap:anywhere}
a{color:inherit;text-decoration-color:var(--soft);text-underline-offset:3px}
.overall{display:flex;gap:20px;align-items:center;margin:14px 0 6px;flex-wrap:wrap}
.overall .verdict{font-size:26px;padding:6px 18px}
.headline{font-size:20px;line-height:1.4;margin:0;flex:1 1 420px;overflow-wrap:anywhere}
.verdict{display:inline-block;font-weight:700;border-radius:6px;padding:1px 9px;white-space:nowrap;
font-size:13px;letter-spacing:.02em;background:var(--faint);color:var(--soft)}
.PASS{color:var(--pass);background:var(--pass-bg)}.FAIL{color:var(--fail);background:var(--fail-bg)}
.INCONCLUSIVE{color:var(--open);background:var(--open-bg)}.INVALID{color:var(--bad);background:var(--bad-bg)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;background:var(--rule);
border:1px solid var(--rule);border-radius:10px;overflow:hidden;margin:22px 0 0;padding:0}
.facts div{background:var(--card);padding:10px 16px}
.facts dt{font-size:12.5px;color:var(--soft)}.facts dd{margin:0;font-size:17px;font-weight:600;overflow-wrap:anywhere}
.facts dd small{font-size:12.5px;font-weight:400;color:var(--soft);display:block}
.invalid{border-left:4px solid var(--bad);background:var(--bad-bg);border-radius:0 8px 8px 0;padding:10px 18px;margin:22px 0 0}
.invalid ul{margin:4px 0;padding-left:20px}
.route,.card{background:var(--card);border:1px solid var(--rule);border-radius:12px;padding:22px 24px;margin:0 0 22px}
.route-head{display:flex;gap:14px;align-items:baseline;flex-wrap:wrap;margin-bottom:2px}
.route-path{color:var(--soft);margin:0 0 14px}
.why{margin:2px 0 14px;padding:0;list-style:none}.why li{margin:3px 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{text-align:left;font-size:13px;font-weight:650;color:var(--soft);padding:0 0 6px;letter-spacing:.02em}
th{font-weight:600;text-align:right;color:var(--soft);font-size:12.5px;vertical-align:bottom}
th,td{padding:6px 12px 6px 0;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th:first-child,td:first-child,th.left,td.left{text-align:left}
td.wrap,th.wrap{white-space:normal;overflow-wrap:anywhere;max-width:280px}
tbody th{color:var(--ink);font-size:14px;vertical-align:middle}
tbody tr:last-child>*{border-bottom:0}
td small,.of{color:var(--soft);font-size:12.5px}
.over{color:var(--fail);font-weight:650}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));gap:26px 30px;margin:24px 0 4px}
figure{margin:0;min-width:0}.card>figure{max-width:720px;margin:4px 0 24px}figcaption{font-size:12.5px;color:var(--soft);margin-top:4px}
.wide{grid-column:1/-1}
svg.chart{width:100%;height:auto;display:block;font-family:inherit}
svg .tick{fill:var(--soft);font-size:12px}svg .row-label{fill:var(--ink);font-size:12px;paint-order:stroke;stroke:var(--card);stroke-width:4px}
svg .axis-label{fill:var(--soft);font-size:12px}
svg .grid{stroke:var(--rule);stroke-width:1}svg .axis{fill:none;stroke:var(--soft);stroke-width:1}
svg .line{fill:none;stroke-width:1.8;stroke-linejoin:round}
svg .p50{stroke:var(--one)}svg .p99{stroke:var(--two)}svg .good{stroke:var(--pass);stroke-width:2.4}
svg .lone{stroke:none}svg .p50.lone{fill:var(--one)}svg .p99.lone{fill:var(--two)}
svg .budget{stroke:var(--limit);stroke-dasharray:6 4;stroke-width:1.6}
svg .budget-label{fill:var(--limit);font-size:12px;font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:3px}
svg .beyond{fill:var(--beyond);stroke:none}
svg .run-border{stroke:var(--rule);stroke-width:1.5}svg .best{stroke:var(--pass);stroke-dasharray:2 3}
svg .dot{stroke:var(--card);stroke-width:1.5}svg .kept{fill:var(--pass)}svg .broken{fill:var(--fail)}svg .same{fill:var(--soft)}svg .differs{fill:var(--one)}
svg .line.differs{fill:none;stroke:var(--one);stroke-width:2.4}svg .line.same{fill:none;stroke:var(--soft)}
svg .unknown{fill:var(--rule)}svg.ledger{display:block;border-radius:3px}
.key{white-space:nowrap;margin-right:10px}
.swatch{display:inline-block;width:11px;height:11px;border-radius:3px;margin-right:5px;vertical-align:-1px;background:var(--soft)}
.swatch.p50{background:var(--one)}.swatch.p99{background:var(--two)}.swatch.budget{background:var(--limit)}
.swatch.good,.swatch.kept{background:var(--pass)}.swatch.broken{background:var(--fail)}.swatch.differs{background:var(--one)}
.s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}
.s5{fill:var(--s5)}.s6{fill:var(--s6)}.s7{fill:var(--s7)}.s8{fill:var(--s8)}.s9{fill:var(--s9)}
.swatch.s0{background:var(--s0)}.swatch.s1{background:var(--s1)}.swatch.s2{background:var(--s2)}
.swatch.s3{background:var(--s3)}.swatch.s4{background:var(--s4)}.swatch.s5{background:var(--s5)}
.swatch.s6{background:var(--s6)}.swatch.s7{background:var(--s7)}.swatch.s8{background:var(--s8)}.swatch.s9{background:var(--s9)}
details{margin-top:18px}summary{cursor:pointer;font-weight:600;font-size:14px}
details>.scroll{margin-top:10px}
footer{color:var(--soft);font-size:13.5px;padding-bottom:48px}footer .card{color:var(--ink)}
dl.plain{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:0}
section>dl.plain{margin-bottom:18px}dl.plain dt{color:var(--soft)}dl.plain dd{margin:0;overflow-wrap:anywhere}
@media (max-width:560px){dl.plain{grid-template-columns:1fr}main,header,footer{padding-left:14px;padding-right:14px}.route,.card{padding:16px 14px}}
@media print{body{background:#fff}.route,.card{break-inside:avoid}}
)css";

}  // namespace sk::bench
