"use strict";
(() => {
const at = id => document.getElementById(id);
const COLOURS = ["#13807a", "#c2571a", "#7a8594"], INK = "#1f2733", SOFT = "#5b6675", LINE = "#e3e7ec", PAPER = "rgba(0,0,0,0)";
const ORIGINS = [[2, "primary", "#2f6fb5"], [3, "from b", "#b3261e"], [4, "from b → c", "#e07b39"], [5, "from c", "#e8a33d"], [6, "from τ", "#8c6d52"],
                 [7, "strange, material", "#4f9d69"], [0, "pile-up", "#b9c0c9"], [1, "fake", "#8b94a0"]];
const FONT = { family: getComputedStyle(document.body).fontFamily, size: 13, color: INK };
const narrow = () => window.innerWidth < 640;
const tint = (hex, alpha) => hex + Math.round(255 * alpha).toString(16).padStart(2, "0");
const escape = text => text.replace(/[&<>"]/g, c => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", "\"": "&quot;" })[c]);
const compact = x => x === 0 ? "0" : Math.abs(x) >= 1e5 || Math.abs(x) < 1e-3 ? x.toExponential(2).replace("e+", "e") : String(Number(x.toPrecision(4)));
const config = () => ({ responsive: true, displaylogo: false, displayModeBar: false });
let data;

function trouble(text) { const line = at("trouble"); line.textContent = text; line.hidden = false; }
window.addEventListener("error", event => trouble("Something went wrong: " + event.message));
window.addEventListener("unhandledrejection", event => trouble("Something went wrong: " + event.reason));

async function unpack(id) {
  const bytes = Uint8Array.from(atob(at(id).textContent.trim()), c => c.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

const chosen = name => document.querySelector(`input[name="${name}"]:checked`).value;

function choices(id, name, options) {
  at(id).innerHTML = options.map(([value, text], i) =>
    `<label><input type="radio" name="${name}" value="${value}"${i ? "" : " checked"}>${escape(text)}</label>`).join("");
}

const axis = more => Object.assign({ gridcolor: LINE, zeroline: false, linecolor: "#9aa4b1", linewidth: 1, ticks: "outside", ticklen: 4,
                                     tickcolor: "#9aa4b1", tickfont: { size: 12, color: SOFT }, title: { font: { size: 13 } }, fixedrange: narrow() }, more);
const layout = more => Object.assign({ font: FONT, paper_bgcolor: PAPER, plot_bgcolor: PAPER, hoverlabel: { font: { family: FONT.family, size: 12 } },
                                       dragmode: narrow() ? false : "zoom" }, more);

/* Distributions. A column's sums stand as (class, slice, kind, bin); kind + 1 holds the squares of the weights. */

function content(column, label, slice, kind) {
  const n = column.bins, slices = data.slices.length, sum = new Float64Array(n), square = new Float64Array(n);
  for (let s = 0; s < slices; s++) {
    if (slice >= 0 && s !== slice) continue;
    const start = ((label * slices + s) * 5 + kind) * n;
    for (let i = 0; i < n; i++) {
      sum[i] += column.sums[start + i];
      square[i] += column.sums[start + (kind ? n : 0) + i];
    }
  }
  return { sum, square };
}

function histogram(column, label, slice, kind, share) {
  const { sum, square } = content(column, label, slice, kind);
  const total = sum.reduce((a, b) => a + b, 0), squares = square.reduce((a, b) => a + b, 0), norm = share && total > 0 ? 1 / total : 1;
  return { y: Array.from(sum, v => v * norm), error: Array.from(square, v => Math.sqrt(v) * norm), total, effective: squares > 0 ? total * total / squares : 0 };
}

function drawHistogram() {
  const column = data.columns[at("column").value], slice = Number(at("slice").value), kind = Number(at("weight").value);
  const share = chosen("norm") === "share", log = chosen("scale") === "log", ratio = chosen("view") === "ratio" && data.classes.length > 1;
  const n = column.bins, width = (column.high - column.low) / n;
  const edges = Array.from({ length: n + 1 }, (_, i) => column.low + i * width), centres = edges.slice(0, n).map(e => e + width / 2);
  const unit = column.unit ? ` [${column.unit}]` : "", all = data.classes.map((_, c) => histogram(column, c, slice, kind, share)), traces = [];
  all.forEach((h, c) => {
    const known = log ? h.y.map(v => v > 0 ? v : null) : h.y, line = log ? h.y.map(v => v > 0 ? v : 1e-30) : h.y;
    traces.push({ x: edges, y: line.concat(line[n - 1]), type: "scatter", mode: "lines", line: { shape: "hv", width: 2, color: COLOURS[c] },
                  fill: log ? "none" : "tozeroy", fillcolor: tint(COLOURS[c], 0.13), name: data.classes[c], legendgroup: c, hoverinfo: "skip" });
    traces.push({ x: centres, y: known, type: "scatter", mode: "markers", marker: { color: PAPER, size: 6 }, name: data.classes[c], legendgroup: c, showlegend: false,
                  error_y: { type: "data", array: h.error, color: tint(COLOURS[c], 0.75), thickness: 1.1, width: 0 }, customdata: h.error,
                  hovertemplate: "%{y:.4~g} ± %{customdata:.2~g}" });
  });
  let quotient = [];
  if (ratio) {
    const [s, b] = all, y = quotient = s.y.map((v, i) => b.y[i] > 0 && v > 0 ? v / b.y[i] : null);
    const error = y.map((v, i) => v === null ? 0 : v * Math.hypot(s.error[i] / s.y[i], b.error[i] / b.y[i]));
    traces.push({ x: centres, y, type: "scatter", mode: "markers", yaxis: "y2", marker: { color: INK, size: 4.5 }, showlegend: false, name: "ratio", customdata: error,
                  error_y: { type: "data", array: error, color: tint(INK, 0.6), thickness: 1.1, width: 0 }, hovertemplate: "%{y:.3~g} ± %{customdata:.2~g}" });
  }
  const title = share ? "share per bin" : ["rows", "cross-section [pb]", "", "benchmark weight"][kind] + " per bin";
  const kindOfAxis = log ? logarithmic(all.flatMap(h => h.y)) : { rangemode: "tozero" };
  const ticks = column.whole && n <= 12 ? { tickmode: "array", tickvals: centres } : {};
  Plotly.react("histogram", traces, layout({
    height: narrow() ? (ratio ? 430 : 350) : (ratio ? 560 : 460), margin: { l: 44, r: 14, t: 14, b: 52 }, hovermode: "x unified",
    legend: { x: 0.99, xanchor: "right", y: 0.99, yanchor: "top", bgcolor: "rgba(255,255,255,0.75)", font: { size: 13 } },
    xaxis: axis(Object.assign({ title: { text: escape(column.name) + unit }, range: [edges[0], edges[n]], anchor: ratio ? "y2" : "y", hoverformat: ".5~g", showgrid: false }, ticks)),
    yaxis: axis(Object.assign({ title: { text: title, standoff: 8 }, automargin: true, domain: ratio ? [0.34, 1] : [0, 1] }, kindOfAxis)),
    ...(ratio ? { yaxis2: axis(Object.assign({ title: { text: `${data.classes[0]} / ${data.classes[1]}`, standoff: 8 }, automargin: true, domain: [0, 0.27] }, ratioAxis(quotient))),
                  shapes: share ? [{ type: "line", xref: "paper", x0: 0, x1: 1, yref: "y2", y0: 1, y1: 1, line: { color: SOFT, width: 1, dash: "dot" } }] : [] } : {}) }), config());
  at("about").innerHTML = `<b>${escape(column.name)}</b>${column.description ? " · " + escape(column.description) : ""}${column.unit ? ` [${column.unit}]` : ""}`;
  tiles(column, slice, kind, all);
}

function ratioAxis(values) {
  const known = values.filter(v => v > 0);
  return Math.max(...known) > 20 * Math.min(...known) ? logarithmic(known) : { rangemode: "tozero", nticks: 5 };
}

function logarithmic(values) {
  const known = values.filter(v => v > 0), decades = Math.log10(Math.max(...known) / Math.min(...known));
  if (!known.length) return { type: "log" };
  return { type: "log", exponentformat: "power", range: [Math.log10(Math.min(...known)) - 0.25, Math.log10(Math.max(...known)) + 0.2], ...(decades > 1.5 ? { dtick: Math.max(1, Math.ceil(decades / 6)) } : {}) };
}

function tiles(column, slice, kind, all) {
  const what = ["rows", "pb", "", "weight"][kind];
  const parts = data.classes.map((name, c) => `<div class="tile" style="--tint:${COLOURS[c]}"><b>${kind ? compact(all[c].total) : all[c].total.toLocaleString("en")}</b>${escape(name)}, ${what}${
    kind ? ` · as good as ${Math.round(all[c].effective).toLocaleString("en")} rows` : ""}</div>`);
  if (data.classes.length > 1 && all[0].total > 0 && all[1].total > 0) {
    const distance = 0.5 * all[0].y.reduce((sum, v, i) => sum + Math.abs(v / sumOf(all[0].y) - all[1].y[i] / sumOf(all[1].y)), 0);
    parts.push(`<div class="tile"><b>${(100 * distance).toFixed(1)} %</b>distance of the shapes (total variation)</div>`);
  }
  at("tiles").innerHTML = parts.join("");
}
const sumOf = values => values.reduce((a, b) => a + b, 0);

/* Correlations. */

function drawMatrix() {
  const which = chosen("matrix"), found = data.correlations, names = data.inputs, both = which === "difference";
  const of = i => found[data.classes[i]];
  const z = both ? of(0).matrix.map((row, i) => row.map((v, j) => v - of(1).matrix[i][j])) : found[which].matrix, top = both ? 0.5 : 1;
  Plotly.react("matrix", [{ type: "heatmap", z, x: names, y: names, zmin: -top, zmax: top, xgap: narrow() ? 0 : 1, ygap: narrow() ? 0 : 1,
    colorscale: [[0, "#1d4f8c"], [0.25, "#7fa8d1"], [0.5, "#f7f7f5"], [0.75, "#e39a70"], [1, "#a8400f"]],
    colorbar: { thickness: 10, outlinewidth: 0, len: 0.6, tickfont: { size: 11, color: SOFT }, x: 1.01 }, hovertemplate: "%{x}<br>%{y}<br><b>%{z:.3f}</b><extra></extra>" }],
    layout({ height: Math.min(at("matrix").clientWidth, 760) + (narrow() ? 0 : 30), margin: narrow() ? { l: 10, r: 10, t: 6, b: 10 } : { l: 96, r: 10, t: 6, b: 96 },
      xaxis: axis({ showticklabels: !narrow(), tickangle: -90, tickfont: { size: 9.5, color: SOFT }, ticks: "", showgrid: false, linewidth: 0, dtick: 1 }),
      yaxis: axis({ showticklabels: !narrow(), autorange: "reversed", tickfont: { size: 9.5, color: SOFT }, ticks: "", showgrid: false, linewidth: 0, dtick: 1 }) }), config());
  const pairs = [];
  for (let i = 0; i < names.length; i++) for (let j = 0; j < i; j++) pairs.push([z[i][j], names[j], names[i]]);
  pairs.sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]));
  at("strongest-title").textContent = both ? `Largest differences` : "Strongest";
  at("strongest").tBodies[0].innerHTML = pairs.slice(0, 10).map(([v, a, b]) => `<tr><td>${escape(a)}<br>${escape(b)}</td><td>${v > 0 ? "+" : "−"}${Math.abs(v).toFixed(2)}</td></tr>`).join("");
  const rows = both ? `${of(0).rows.toLocaleString("en")} and ${of(1).rows.toLocaleString("en")}` : found[which].rows.toLocaleString("en");
  at("matrix-caption").textContent = `Spearman's rank correlation, unweighted, of ${rows} rows${both ? ` (${data.classes[0]} minus ${data.classes[1]})` : ""} spread over the file. ${
    narrow() ? "Touch a square for its names." : ""}`;
}

/* Events. */

const circle = (x, y, r, colour, width, dash) => [-2 * Math.PI, 0, 2 * Math.PI].map(turn => ({ type: "circle", xref: "x", yref: "y", x0: x - r, x1: x + r, y0: y + turn - r, y1: y + turn + r,
  line: { color: colour, width, dash } }));
const points = (rows, name, marker, size, unit) => ({ x: rows.map(p => p[0]), y: rows.map(p => p[1]), customdata: rows.map(p => p[2]), type: "scatter", mode: "markers", name,
  marker: Object.assign({ line: { width: 0 } }, marker, size ? { size: rows.map(p => size(p[2])) } : {}), hovertemplate: `${name}<br>p<sub>T</sub> %{customdata:.3~g} GeV<extra></extra>` });
const key = (name, colour, dash) => ({ x: [null], y: [null], type: "scatter", mode: "lines", name, line: { color: colour, width: 2, dash } });

function planeTraces(event, middle, zoom) {
  const turn = phi => middle + (((phi - middle + Math.PI) % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI) - Math.PI;
  const around = rows => rows.map(p => [p[0], turn(p[1]), p[2]]), traces = [], shapes = [], near = p => Math.abs(p[0]) < 5, root = pt => zoom * (3 + 1.9 * Math.sqrt(pt));
  if (!event.relative) event = { ...event, ...Object.fromEntries(["towers", "particles", "tracks", "partons", "heavy", "higgs", "large", "small"].map(k => [k, around(event[k])])) };
  if (!event.relative) {
    traces.push(points(event.towers.filter(near), "towers", { symbol: "square", color: "#e3bd63", opacity: 0.55 }, root));
    traces.push(points(event.particles.filter((p, i) => !event.charged[i] && near(p)), "neutral particles", { color: "#8b94a0", opacity: 0.75 }, pt => zoom * (2.5 + 0.9 * Math.sqrt(pt))));
  }
  for (const [code, name, colour] of ORIGINS) {
    const own = event.tracks.filter((_, i) => event.origin[i] === code);
    if (own.length) traces.push(points(own, "tracks, " + name, { color: colour, opacity: 0.85 }, pt => zoom * (3.5 + 1.1 * Math.sqrt(pt))));
  }
  if (event.relative) return { traces, shapes: circle(0, 0, 1, INK, 2).slice(1, 2) };
  const stars = [["hard partons", event.partons, "triangle-up", "#4f9d69", 12], ["b, c hadrons", event.heavy, "star", "#b3261e", 13], ["Higgs boson", event.higgs, "cross", "#6b4fa0", 13]];
  for (const [name, rows, symbol, color, size] of stars)
    if (rows.length) traces.push(points(rows.filter(near), name, { symbol, color, size, line: { width: 1, color: "#fff" } }));
  event.large.forEach((jet, i) => shapes.push(...circle(jet[0], jet[1], 1, event.selected[i] ? INK : "#9aa4b1", event.selected[i] ? 2.2 : 1.2, event.selected[i] ? "solid" : "dash")));
  event.small.forEach((jet, i) => shapes.push(...circle(jet[0], jet[1], event.radius[i], event.chosen.includes(i) ? "#b3261e" : "#dba9a4", 1.7, "solid")));
  traces.push(key("large-R jet of a row", INK, "solid"), key("track jet of a row", "#b3261e", "solid"));
  return { traces, shapes };
}

function beamTraces(event) {
  const [px, py] = event.vertex, move = rows => rows.map(p => [p[0] - px, p[1] - py]), vertices = [...event.true_vertices, ...event.sv1, ...event.jetfitter];
  const reach = Math.max(0, ...move(vertices).map(p => Math.hypot(p[0], p[1]))), view = Math.min(Math.max(1.3 * reach, 1), 60), traces = [];
  for (const [code, name, colour] of ORIGINS) {
    const x = [], y = [];
    event.perigee.forEach(([d0, , phi], i) => {
      if (event.origin[i] !== code || !event.of_row[i]) return;
      const cx = -d0 * Math.sin(phi) - px, cy = d0 * Math.cos(phi) - py;
      x.push(cx - 0.3 * view * Math.cos(phi), cx + 3 * view * Math.cos(phi), null);
      y.push(cy - 0.3 * view * Math.sin(phi), cy + 3 * view * Math.sin(phi), null);
    });
    if (x.length) traces.push({ x, y, type: "scatter", mode: "lines", name: "tracks, " + name, line: { color: tint(colour, 0.8), width: 1.3 }, hoverinfo: "skip" });
  }
  for (const [name, rows, symbol, size] of [["true b, c, τ decays", event.true_vertices, "star-open", 14], ["SV1", event.sv1, "diamond-open", 11], ["JetFitter", event.jetfitter, "x-thin-open", 10],
                                            ["primary vertex", [event.vertex], "circle", 9]]) {
    const moved = move(rows);
    if (rows.length) traces.push({ x: moved.map(p => p[0]), y: moved.map(p => p[1]), type: "scatter", mode: "markers", name, marker: { symbol, size, color: INK, line: { width: 2, color: INK } },
                                   hovertemplate: `${name}<br>%{x:.3~g}, %{y:.3~g} mm<extra></extra>` });
  }
  const shapes = event.material.filter(r => r < 3 * view).map(r => ({ type: "circle", xref: "x", yref: "y", x0: -px - r, x1: -px + r, y0: -py - r, y1: -py + r, line: { color: "#c3cad3", width: 1, dash: "dot" } }));
  return { traces, shapes, view };
}

const hidden = new Set();

function legend(traces) {
  at("legend").innerHTML = traces.map((trace, i) => {
    const colour = trace.marker?.color ?? trace.line.color, shape = { square: "■", "triangle-up": "▲", star: "★", cross: "✚", "star-open": "☆", "diamond-open": "◇", "x-thin-open": "✕" }[trace.marker?.symbol];
    return `<button type="button" class="chip" data-trace="${i}" aria-pressed="${!hidden.has(trace.name)}"><i style="color:${colour.slice(0, 7)}">${shape ?? (trace.mode === "lines" ? "━" : "●")}</i>${escape(trace.name)}</button>`;
  }).join("");
  for (const chip of at("legend").children) chip.addEventListener("click", () => {
    const name = traces[Number(chip.dataset.trace)].name;
    hidden.has(name) ? hidden.delete(name) : hidden.add(name);
    drawEvent();
  });
}

function drawEvent() {
  const event = data.events[Number(chosen("which"))], seen = event.relative ? "jet" : chosen("plane"), size = Math.min(at("picture").clientWidth, 980), tall = narrow();
  at("plane-field").hidden = event.relative;
  const jet = event.relative ? [0, 0] : event.large[Math.max(event.selected.indexOf(true), 0)] ?? [0, 0];
  const { traces, shapes, view } = seen === "beam" ? beamTraces(event) : planeTraces(event, seen === "jet" ? jet[1] : 0, seen === "jet" ? (tall ? 1.4 : 2) : (tall ? 0.7 : 1));
  const reach = tall ? 3.2 : 4.6;
  const box = { jet: [[jet[0] - 1.15, jet[0] + 1.15], [jet[1] - 1.15, jet[1] + 1.15], "η", "φ"], beam: [[-view, view], [-view, view], "x [mm]", "y [mm]"],
                eta: [[-reach, reach], [-Math.PI, Math.PI], "η", "φ"] }[seen];
  if (event.relative) [box[2], box[3]] = ["Δη", "Δφ"];
  for (const trace of traces) Object.assign(trace, { showlegend: false, visible: !hidden.has(trace.name) });
  Plotly.react("picture", traces, layout({ height: seen === "eta" && !tall ? 0.72 * size : Math.min(size, 700), shapes, hovermode: "closest", showlegend: false, margin: { l: 50, r: 12, t: 8, b: 46 },
    xaxis: axis({ title: { text: box[2] }, range: box[0], constrain: "domain" }), yaxis: axis({ title: { text: box[3] }, range: box[1], scaleanchor: "x", constrain: "domain" }) }), config());
  legend(traces);
  const jets = event.jets.map(j => `p<sub>T</sub> ${j.pt} GeV, mass ${j.mass} GeV`).join("; ");
  at("event-about").innerHTML = `<b>${event.process} event ${event.number}</b> · ${event.jets.length ? `row${event.jets.length > 1 ? "s" : ""}: ${jets}` : "no row"}`;
  at("event-caption").textContent = (event.relative ? "Stored tracks around the axis of the event's first jet; sizes grow with transverse momentum." : seen === "beam"
    ? "Tracks of the rows' track jets near the beam; the primary vertex in the middle, layers of the detector dotted." : "Sizes grow with transverse momentum; large-R jets without a row are dashed, track jets of rows dark.") + " A name above hides or shows what it stands for.";
}

/* Start. */

function fill() {
  const groups = {};
  data.columns.forEach((column, i) => (groups[column.group] ??= []).push(`<option value="${i}">${escape(column.name)}</option>`));
  at("column").innerHTML = Object.entries(groups).map(([name, options]) => `<optgroup label="${escape(name)}">${options.join("")}</optgroup>`).join("");
  const mass = data.columns.findIndex(c => c.name === "mass");
  at("column").value = String(Math.max(mass, 0));
  const e = data.slices;
  at("slice").innerHTML = `<option value="-1">all</option>` + e.map((low, i) => `<option value="${i}">${i + 1 < e.length ? `${low} to ${e[i + 1]}` : `above ${low}`} GeV</option>`).join("");
  const known = data.classes.filter(name => data.correlations[name]);
  const options = known.map(name => [name, name]);
  if (known.length > 1 && known[0] === data.classes[0] && known[1] === data.classes[1]) options.push(["difference", "difference"]);
  choices("matrix-of", "matrix", options);
  if (data.events.length) choices("which", "which", data.events.map((event, i) => [String(i), `${event.process} ${event.number}`]));
  return known.length;
}

async function start() {
  if (typeof DecompressionStream === "undefined") { trouble("This page needs a browser of 2023 or later to unpack itself."); return; }
  const library = document.createElement("script");
  const [text, code] = await Promise.all([unpack("payload"), unpack("library")]);
  library.textContent = code;
  document.head.append(library);
  data = JSON.parse(text);
  const shared = data.flow.map(one => one.steps[0].events ? `${(one.steps[0].rows / one.steps[0].events).toFixed(2)} rows per ${one.class} event` : "").filter(Boolean);
  at("independent").textContent = `Errors take rows for independent (${shared.join(", ")}).`;
  const correlated = fill(), step = by => { const options = [...at("column").options], i = options.findIndex(o => o.selected);
    options[(i + by + options.length) % options.length].selected = true; drawHistogram(); };
  at("histogram").replaceChildren();
  const draw = () => { drawHistogram(); if (correlated) drawMatrix(); if (data.events.length) drawEvent(); };
  for (const id of ["column", "slice", "weight", "norm", "scale", "view"]) at(id).addEventListener("change", drawHistogram);
  at("previous").addEventListener("click", () => step(-1));
  at("next").addEventListener("click", () => step(1));
  at("matrix-of").addEventListener("change", drawMatrix);
  if (data.events.length) for (const id of ["which", "plane"]) at(id).addEventListener("change", drawEvent);
  draw();
  let width = window.innerWidth;
  window.addEventListener("resize", () => { if (window.innerWidth !== width) { width = window.innerWidth; draw(); } });
  document.documentElement.dataset.state = "ready";
}
start();
})();
