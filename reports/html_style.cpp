#include "reports/html_parts.hpp"

namespace skidpad::reports {

std::string page_style() {
  return R"css(
:root{color-scheme:light dark;--paper:#fff;--page:#f5f6f8;--ink:#1a1f29;--soft:#5b6472;--faint:#8b93a1;--line:#dfe3e9;--wash:#f0f2f5;
--pass:#157f3c;--pass-wash:#e5f5ea;--fail:#c4261d;--fail-wash:#fdeceb;--unknown:#96660a;--unknown-wash:#fdf3dc;--na:#68717f;--na-wash:#eceff3;
--accent:#2458c6;--fill:#9db8ea;--fill-2:#c7d6f4;--ready:#58b27a;--p1:#6f7d95;--p2:#d08a1f;--p3:#7a5bd0;--p4:#2458c6;--p5:#178a6b;
--s1:#2458c6;--s2:#c2570c;--s3:#157f3c;--s4:#8a3fb3;--s5:#0b7d8c;--s6:#a3264f}
@media (prefers-color-scheme:dark){:root{--paper:#171b22;--page:#0f1217;--ink:#e8ebf0;--soft:#a5aebc;--faint:#7d8796;--line:#2b323d;--wash:#1f252e;
--pass:#56d07f;--pass-wash:#12301e;--fail:#ff7a70;--fail-wash:#3a1816;--unknown:#f0bd4f;--unknown-wash:#352a10;--na:#98a2b1;--na-wash:#232a34;
--accent:#86adff;--fill:#375796;--fill-2:#26375c;--ready:#3b8a5a;--p1:#7e8ca4;--p2:#e0a03c;--p3:#a58bf0;--p4:#86adff;--p5:#45c39f;
--s1:#86adff;--s2:#ff9a55;--s3:#56d07f;--s4:#cf92f0;--s5:#4fc6d6;--s6:#ff85ab}}
*{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:26px;line-height:1.2;margin:0;letter-spacing:-.01em}h2{font-size:17px;margin:0 0 4px}
section,header.top{background:var(--paper);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin:0 0 18px}
section>p.lead{color:var(--soft);margin:0 0 14px;max-width:75ch}
p{margin:0 0 10px}code,kbd,pre,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.88em}
.top{border-top:6px solid var(--verdict)!important}
.verdict-row{display:flex;align-items:center;gap:14px;flex-wrap:wrap;margin-bottom:10px}
.verdict{display:inline-flex;align-items:center;gap:8px;font-weight:700;font-size:20px;color:var(--verdict);background:var(--verdict-wash);border-radius:8px;padding:5px 14px 5px 10px}
.verdict svg{width:22px;height:22px}
.pass{--verdict:var(--pass);--verdict-wash:var(--pass-wash)}.fail{--verdict:var(--fail);--verdict-wash:var(--fail-wash)}
.unknown{--verdict:var(--unknown);--verdict-wash:var(--unknown-wash)}.not_applicable{--verdict:var(--na);--verdict-wash:var(--na-wash)}
.summary{font-size:17px;margin:0 0 6px;max-width:80ch}.hypothesis{color:var(--soft);max-width:80ch;margin:0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:1px;background:var(--line);border:1px solid var(--line);border-radius:9px;overflow:hidden;margin:18px 0 0}
.figures div{background:var(--paper);padding:11px 14px}.figures dt{color:var(--soft);font-size:12.5px;margin:0}.figures dd{margin:1px 0 0;font-size:19px;font-weight:650;font-variant-numeric:tabular-nums}
.figures dd small{display:block;font-weight:400;font-size:12.5px;color:var(--soft)}
.scroll{overflow-x:auto;margin:0 -6px;padding:0 6px}.scroll svg{display:block;min-width:760px;width:100%;height:auto}
svg text{font-family:inherit;fill:var(--ink);font-size:12px}svg .soft{fill:var(--soft)}svg .faint{fill:var(--faint)}svg .small{font-size:11px}svg .strong{font-weight:650}
svg .grid{stroke:var(--line);stroke-width:1}svg .lane{fill:var(--wash)}
.legend{display:flex;flex-wrap:wrap;gap:4px 16px;color:var(--soft);font-size:12.5px;margin:10px 0 0;padding:0;list-style:none}
.legend li{display:inline-flex;align-items:center;gap:6px}.legend svg{width:16px;height:12px;min-width:0;display:inline-block}
table{border-collapse:collapse;width:100%;font-size:14px}th{text-align:left;font-weight:600;color:var(--soft);font-size:12.5px;padding:6px 14px 6px 0;border-bottom:1px solid var(--line);white-space:nowrap}
td{padding:8px 14px 8px 0;border-bottom:1px solid var(--line);vertical-align:top}tr:last-child>td{border-bottom:0}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.chip{display:inline-flex;align-items:center;gap:5px;font-weight:650;font-size:12.5px;color:var(--verdict);background:var(--verdict-wash);border-radius:6px;padding:1px 8px 1px 6px;white-space:nowrap}
.chip svg{width:13px;height:13px}td .claim{color:var(--soft);font-size:13px}
.reason{overflow-wrap:anywhere}details summary{cursor:pointer;color:var(--accent);font-size:13px;margin-top:2px}details ul{margin:6px 0 2px;padding-left:18px;color:var(--soft);font-size:13px;overflow-wrap:anywhere}
details.rest{margin-top:12px}details.rest>summary{font-size:13.5px}
.repeat{display:flex;gap:10px;align-items:stretch}.repeat pre{flex:1;margin:0;background:var(--wash);border:1px solid var(--line);border-radius:8px;padding:10px 12px;white-space:pre-wrap;overflow-wrap:anywhere}
button{font:inherit;font-size:13px;border:1px solid var(--line);background:var(--paper);color:var(--ink);border-radius:8px;padding:0 14px;cursor:pointer}
button:hover{border-color:var(--accent);color:var(--accent)}a{color:var(--accent)}:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:18px 22px}.chart h3{font-size:13px;margin:0 0 2px;font-weight:650;overflow-wrap:anywhere}.chart .unit{color:var(--soft);font-weight:400}
.chart>svg{width:100%;height:auto;display:block}.chart .legend{margin-top:2px;font-size:11.5px;gap:2px 12px}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:0 40px}.columns table{font-size:13px}.columns td{padding:4px 10px 4px 0}
footer{color:var(--faint);font-size:12.5px;text-align:center}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
#cursor{stroke:var(--accent);stroke-dasharray:3 3;visibility:hidden}#cursor-label{visibility:hidden;font-weight:650;fill:var(--accent)}
@media (max-width:640px){main{padding:12px 10px 40px}section,header.top{padding:16px 14px;border-radius:10px}h1{font-size:22px}
.guarantees thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}.guarantees tr{display:block;border-bottom:1px solid var(--line);padding:8px 0}.guarantees td{display:block;border:0;padding:2px 0}.repeat{flex-direction:column}button{padding:8px 14px}}
@media print{:root{color-scheme:light;--paper:#fff;--page:#fff;--ink:#000;--soft:#444;--faint:#666;--line:#ccc;--wash:#f3f3f3;--pass:#157f3c;--pass-wash:#eef8f1;--fail:#b3170f;--fail-wash:#fdeceb;
--unknown:#7a5200;--unknown-wash:#fdf3dc;--accent:#1a47a8;--fill:#9db8ea;--fill-2:#c7d6f4;--ready:#7cc79a;--p1:#6f7d95;--p2:#d08a1f;--p3:#7a5bd0;--p4:#2458c6;--p5:#178a6b;--s1:#2458c6;--s2:#c2570c;--s3:#157f3c;--s4:#8a3fb3;--s5:#0b7d8c;--s6:#a3264f}
main{padding:0;max-width:none}section,header.top{break-inside:avoid;border-radius:0;padding:12px 0;border-width:1px 0 0;margin:0}section.long{break-inside:auto}tr{break-inside:avoid}button{display:none}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}.scroll{overflow:visible}.scroll svg{min-width:0}}
)css";
}

std::string page_script() {
  return R"js(
(function(){
  var copy=document.getElementById('copy');
  if(copy&&navigator.clipboard)copy.addEventListener('click',function(){
    navigator.clipboard.writeText(document.getElementById('repeat').textContent).then(function(){copy.textContent='Copied';});});
  else if(copy)copy.remove();
  var chart=document.getElementById('timeline');if(!chart)return;
  var line=document.getElementById('cursor'),label=document.getElementById('cursor-label');
  var d=chart.dataset,left=+d.left,width=+d.width,begin=+d.begin,range=+d.range,fault=d.fault===''?null:+d.fault;
  function show(s){var a=Math.abs(s);return (s<0?'-':'')+(a>=60?Math.floor(a/60)+' min '+(a%60).toFixed(0)+' s':a.toFixed(a<10?2:1)+' s');}
  chart.addEventListener('pointermove',function(e){
    var p=chart.createSVGPoint();p.x=e.clientX;p.y=e.clientY;p=p.matrixTransform(chart.getScreenCTM().inverse());
    var inside=p.x>=left&&p.x<=left+width;line.style.visibility=label.style.visibility=inside?'visible':'hidden';if(!inside)return;
    var t=begin+(p.x-left)/width*range;line.setAttribute('x1',p.x);line.setAttribute('x2',p.x);
    label.textContent=show(t)+(fault===null?'':' ('+(t>=fault?'fault +':'fault ')+show(t-fault)+')');
    var right=p.x>left+width*0.75;label.setAttribute('x',p.x+(right?-6:6));label.setAttribute('text-anchor',right?'end':'start');});
  chart.addEventListener('pointerleave',function(){line.style.visibility=label.style.visibility='hidden';});
})();
)js";
}

}  // namespace skidpad::reports
