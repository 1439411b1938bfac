"""The one style sheet of all pages: light and dark, phone and desk."""

from __future__ import annotations

from collections.abc import Mapping

LIGHT: Mapping[str, str] = {
    "ground": "#ffffff", "raised": "#f5f7fa", "rule": "#d0d7de", "ink": "#1b1f24", "quiet": "#57606a",
    "link": "#0b57d0", "mark": "#1f6feb", "other": "#bc4c00", "third": "#1a7f37",
    "good": "#116329", "bad": "#a40e26", "bad-ground": "#fff1f0", "good-ground": "#eefbf1", "info-ground": "#eff5fd",
    "right1": "#e3edfc", "right2": "#bfd7f9", "right3": "#8fb8f2", "right4": "#1f4f99",
    "wrong1": "#fdebdc", "wrong2": "#fbd2ae", "wrong3": "#f5ac6b", "wrong4": "#8f3a00",
    "strong": "#ffffff",
}  # fmt: skip
DARK: Mapping[str, str] = {
    "ground": "#11151a", "raised": "#1a2027", "rule": "#3a434e", "ink": "#e8ebef", "quiet": "#a9b4c0",
    "link": "#8ab8ff", "mark": "#6ea8fe", "other": "#ffa657", "third": "#56d364",
    "good": "#6fdd8b", "bad": "#ff9a94", "bad-ground": "#341a1b", "good-ground": "#14291b", "info-ground": "#162536",
    "right1": "#17283f", "right2": "#1d3a61", "right3": "#264f87", "right4": "#a9cbff",
    "wrong1": "#342214", "wrong2": "#4d2e14", "wrong3": "#6b3d14", "wrong4": "#ffc48a",
    "strong": "#0b0e12",
}  # fmt: skip
"""Name -> colour. Text is `ink`, `quiet`, `link`, `good` or `bad` on the grounds, `ink` on cells 1 to 3 and `strong` on
cell 4; a test holds every such pair to a contrast of 4.5.
"""

_RULES = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:break-word}
main,header,footer,nav{max-width:76rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.25rem}
h1{font-size:1.6rem;line-height:1.2;margin:.2rem 0 .5rem}
h2{font-size:1.25rem;line-height:1.25;margin:2.25rem 0 .6rem;padding-top:.9rem;border-top:1px solid var(--rule)}
h3{font-size:1.05rem;margin:1.5rem 0 .4rem}
p{margin:.5rem 0;max-width:46rem}
a{color:var(--link)}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;margin:.75rem 0;padding:0}
nav a{display:inline-block;padding:.15rem 0}
footer{color:var(--quiet);font-size:.875rem;padding-top:2rem;padding-bottom:2.5rem}
code,pre,.code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.875em;
overflow-wrap:anywhere}
pre{background:var(--raised);border:1px solid var(--rule);border-radius:6px;padding:.6rem .8rem;margin:.5rem 0;
white-space:pre-wrap}
.lead{font-size:1.1rem}
.quiet{color:var(--quiet)}
.good{color:var(--good)}
.bad{color:var(--bad)}
.note{border-left:4px solid var(--mark);background:var(--info-ground);padding:.5rem .8rem;margin:.6rem 0;
max-width:60rem;border-radius:0 6px 6px 0}
.note p{margin:0;max-width:none}
.note.warning{border-color:var(--bad);background:var(--bad-ground)}
.note.success{border-color:var(--good);background:var(--good-ground)}
.scroll{overflow-x:auto;margin:.75rem 0;max-width:100%}
table{border-collapse:separate;border-spacing:0;width:max-content;font-size:.9375rem;
font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--quiet);padding:0 0 .35rem;font-size:.9rem;
max-width:min(40rem,calc(100vw - 2.5rem))}
th,td{padding:.3rem .6rem;border-bottom:1px solid var(--rule);text-align:left;vertical-align:top}
thead th{vertical-align:bottom;background:var(--raised);font-weight:600}
tbody th{font-weight:500;overflow-wrap:anywhere;position:sticky;left:0;background:var(--ground);max-width:15rem}
th,td{max-width:20rem}
th.n,td.n{text-align:right;white-space:nowrap}
th.w,td.w{min-width:16rem;max-width:38rem}
tr.low th,tr.low td{background:var(--bad-ground)}
tr.high th,tr.high td{background:var(--good-ground)}
.heat td{text-align:right;min-width:2.6rem}
.heat thead th:first-child{white-space:nowrap;max-width:none}
.heat tbody th{white-space:nowrap;max-width:14rem;overflow:hidden;text-overflow:ellipsis}
.heat thead th{max-width:7rem;overflow:hidden;text-overflow:ellipsis}
.heat .z{color:var(--quiet)}
.r1{background:var(--right1)}.r2{background:var(--right2)}.r3{background:var(--right3)}
.r4{background:var(--right4);color:var(--strong)}
.w1{background:var(--wrong1)}.w2{background:var(--wrong2)}.w3{background:var(--wrong3)}
.w4{background:var(--wrong4);color:var(--strong)}
dl{display:grid;grid-template-columns:minmax(8rem,max-content) minmax(0,1fr);gap:.2rem 1rem;margin:.6rem 0}
dt{color:var(--quiet)}
dd{margin:0;overflow-wrap:anywhere}
ul{padding-left:1.25rem}
.cards{list-style:none;padding:0}
.cards li{padding:.6rem 0;border-bottom:1px solid var(--rule);max-width:60rem}
.cards p{margin:.1rem 0;max-width:none}
.beside{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:.5rem 2rem;
align-items:start}
figure{margin:.75rem 0;min-width:0}
figure svg{display:block;width:100%;max-width:30rem;height:auto}
figcaption{font-weight:600;margin-bottom:.25rem}
.key{display:flex;flex-wrap:wrap;gap:.1rem 1rem;list-style:none;margin:.25rem 0;padding:0;font-size:.875rem}
.key svg{display:inline-block;width:2rem;height:.75rem;vertical-align:middle;margin-right:.35rem}
details{margin:.6rem 0}
summary{cursor:pointer;padding:.25rem 0;color:var(--link)}
summary:focus-visible,a:focus-visible,.scroll:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.text{white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
.big{font-size:2.4rem;line-height:1.1;font-weight:650;margin:.25rem 0}
.big small{font-size:1rem;font-weight:400;color:var(--quiet)}
svg text{fill:var(--ink);font-size:12px;paint-order:stroke;stroke:var(--ground);stroke-width:3px}
svg .q{fill:var(--quiet);font-size:11px}
svg .e{text-anchor:end}
svg .m{text-anchor:middle}
svg .grid{stroke:var(--rule);stroke-width:1}
svg .axis{stroke:var(--quiet);stroke-width:1}
svg .l1,svg .l2,svg .l3{fill:none;stroke-width:2;stroke-linejoin:round}
svg .l1{stroke:var(--mark)}svg .l2{stroke:var(--other);stroke-dasharray:6 3}svg .l3{stroke:var(--third);
stroke-dasharray:2 3}
svg .d1{fill:var(--mark)}svg .d2{fill:var(--other)}svg .d3{fill:var(--third)}
svg .b1{fill:var(--mark)}svg .b2{fill:var(--quiet)}
svg .ideal{stroke:var(--quiet);stroke-width:1.5;stroke-dasharray:4 4}
svg .range{stroke:var(--ink);stroke-width:1.5}
@media (max-width:30rem){dl{grid-template-columns:minmax(0,6.5rem) minmax(0,1fr);gap:.2rem .75rem}
th,td,tbody th{max-width:8.5rem}thead th.n{white-space:normal}
.heat thead th:first-child{white-space:normal}th,td{padding:.3rem .45rem}
th.w,td.w{min-width:13rem}}
@media print{nav{display:none}body{font-size:11pt}.scroll{overflow:visible}}
"""


def sheet() -> str:
    """Give the style sheet."""
    light, dark = (";".join(f"--{name}:{colour}" for name, colour in one.items()) for one in (LIGHT, DARK))
    return (
        f":root{{color-scheme:light dark;{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
        f"{_RULES.strip()}\n"
    )
