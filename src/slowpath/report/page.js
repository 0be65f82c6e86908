"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const charts = Object.keys(figures).map((id) => document.getElementById(id));
const PRINTED = { width: 680, height: 940 }; // A4 within its margins, in CSS pixels

async function unpack() {
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

async function draw() {
  await unpack();
  for (const chart of charts) {
    const { data, layout } = figures[chart.id];
    await Plotly.newPlot(chart, data, layout, { displayModeBar: false, responsive: true });
  }
  addEventListener("beforeprint", () => charts.forEach(fit));
  addEventListener("afterprint", () => charts.forEach(restore));
}

function fit(chart) {
  const height = Math.min(PRINTED.height, Number(chart.dataset.height));
  chart.style.minHeight = "";
  Plotly.relayout(chart, { width: PRINTED.width, height });
}

function restore(chart) {
  Plotly.relayout(chart, { width: null, height: Number(chart.dataset.height), autosize: true });
}

for (const chart of charts) chart.style.minHeight = chart.dataset.height + "px";
draw().then(
  () => { document.body.dataset.charts = String(charts.length); },
  (error) => {
    document.body.dataset.charts = "failed";
    for (const chart of charts) chart.textContent = "This browser cannot draw the chart; its figures stand in the table.";
    console.error(error);
  },
);
