/** The style sheet of report.html: light and dark by the reader's system, printable, no font from elsewhere. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1d2329;--soft:#57626d;--line:#d5dbe1;--ground:#f6f7f9;--card:#fff;--accent:#1f5fa8;--warn:#8a4b00;--warnground:#fff5e3;--bar:#b9d3ee}
@media (prefers-color-scheme:dark){:root{--ink:#e4e8ec;--soft:#a0acb8;--line:#3a434d;--ground:#14181c;--card:#1d2329;--accent:#86b8ee;--warn:#ffc46b;--warnground:#33270f;--bar:#2f5378}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 20px}
header{padding-top:32px}
h1{font-size:1.7rem;line-height:1.25;margin:0 0 .3em}
h2{font-size:1.25rem;margin:0 0 .7em}
h3{font-size:1rem;margin:1.4em 0 .5em}
h4{font-size:.95rem;font-weight:600;margin:1em 0 .3em}
p{margin:0 0 .8em;max-width:75ch}
a{color:var(--accent)}
.soft{color:var(--soft)}
.lead{font-size:1.06rem}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3em 1.1em;padding:0;margin:1em 0 0;font-size:.92rem}
section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:22px 24px;margin:20px 0}
.warn{border:1px solid var(--warn);border-radius:6px;background:var(--warnground);padding:12px 16px;margin:1em 0}
ul{max-width:75ch;padding-left:1.2em}
section>ul:last-child,.warn ul{margin-bottom:0}
.warn ul{margin-top:0}
li+li{margin-top:.5em}
.scroll{overflow-x:auto;max-width:100%}
.tall{max-height:30rem;overflow-y:auto;border:1px solid var(--line);border-radius:4px;padding:0 .6em}
table{border-collapse:separate;border-spacing:0;font-size:.92rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.32em .9em .32em 0;border-bottom:1px solid var(--line);min-width:5ch;max-width:46ch}
th{font-weight:600}
thead th{color:var(--soft);vertical-align:bottom}
th{overflow-wrap:normal}
.numbers td,.numbers th+th,.number{text-align:right;white-space:nowrap}
.numbers td,.numbers th+th{padding:.32em 0 .32em 1.2em;min-width:0}
.numbers thead th+th{white-space:normal}
.wide{font-size:.86rem}
.wide td,.wide th+th{padding-left:1em}
.numbers th.name{text-align:left;min-width:19ch;max-width:32ch;overflow-wrap:anywhere;font-weight:600}
.folds td,.folds th+th{padding-left:.8em}
.folds th.name{min-width:9ch}
.numbers thead tr+tr th{text-align:right;padding-left:1em}
.numbers thead th.words{text-align:left}
.numbers td.words{text-align:left;white-space:normal;min-width:26ch}
.numbers th.group{text-align:left;border-left:1px solid var(--line);padding-left:1.2em}
.below{display:block;font-size:.86em;font-weight:400;color:var(--soft)}
.wide th.name,.wide thead tr:first-child th:first-child{position:sticky;left:0;background:var(--card)}
.tall thead{position:sticky;top:0;z-index:1;background:var(--card)}
/* The whole name stays in the page, for search and screen readers. */
.name bdi{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:4;overflow:hidden}
.below bdi{display:inline}
tr.sum>*{color:var(--soft);font-style:italic}
.scroll+figure,.scroll+p,.scroll+.soft{margin-top:1em}
.bar{display:inline-block;height:.7em;background:var(--bar);border-radius:2px;vertical-align:baseline}
.key{vertical-align:-2px;margin-right:.45em}
figure{margin:0 0 1.4em}
figure:last-child{margin-bottom:0}
figure svg{display:block;max-width:100%;height:auto;margin:0 auto}
figcaption{color:var(--soft);font-size:.88rem;margin-top:.5em}
svg image{image-rendering:pixelated}
/* Figures keep their white ground in the dark: dark class colours would vanish on black. */
figure .scroll,.key{background:#fff;border-radius:4px}
.verdict{font-weight:600}
code{font:.9em ui-monospace,"DejaVu Sans Mono",monospace}
footer{color:var(--soft);font-size:.88rem;padding-bottom:40px}
@media (max-width:600px){header,main,footer{padding-left:10px;padding-right:10px}section{padding:16px 14px}.bar{display:none}.numbers th.name{min-width:17ch;max-width:46vw}.folds th.name{min-width:9ch}}
@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--line:#bbb;--ground:#fff;--card:#fff;--accent:#000;--warn:#7a4200;--warnground:#fff}body{font-size:10.5pt}table{font-size:9pt}.numbers td,.numbers th+th{padding-left:.8em}nav{display:none}.wide th,.tall thead{position:static!important}section{border:0;padding:0;margin:0 0 18pt}.warn{padding:8pt}figure,tr{break-inside:avoid}h2,h3{break-after:avoid}.scroll,.tall{overflow:visible;max-height:none}figure svg{min-width:0!important}}
`;
