/* Charts: every [data-chart-url] is filled by ECharts from our own JSON; the library is fetched only on pages with a chart.
   Tooltips are drawn on the canvas (richText): ECharts' HTML ones carry style attributes, which our policy forbids. */
(function () {
  "use strict";
  var library = document.currentScript.dataset.library;
  var loading = null;
  var drawn = [];

  function echarts() {
    if (window.echarts) return Promise.resolve(window.echarts);
    if (!loading) {
      loading = new Promise(function (done, failed) {
        var script = document.createElement("script");
        script.src = library;
        script.onload = function () { done(window.echarts); };
        script.onerror = failed;
        document.head.append(script);
      });
    }
    return loading;
  }
  /* A custom property holding light-dark() is resolved by a real colour on a probe. */
  function colour(name) {
    var probe = document.createElement("span");
    probe.style.color = "var(" + name + ")";
    document.body.append(probe);
    var value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  }
  function palette() {
    var dark = document.documentElement.dataset.bsTheme === "dark";
    return [colour("--accent")].concat(dark ?
      ["#4fc38a", "#e6a94a", "#d58bb0", "#5cb8cf", "#b39ae0", "#9aa3b2"] :
      ["#2f8f5f", "#c27c0e", "#b3507f", "#2586a0", "#7c5cbf", "#7b8494"]);
  }
  function figures(value) { return value === null || value === undefined ? "" : Number(value).toLocaleString(document.documentElement.lang); }

  function options(data) {
    var soft = colour("--ink-soft");
    var rule = colour("--rule");
    var pie = data.kind === "pie";
    var across = data.kind === "bar" && (data.labels.length > 8 || data.labels.some(function (label) { return label.length > 6; }));
    var all = across && data.labels.length <= 20;
    var names = { type: "category", data: data.labels, axisLine: { lineStyle: { color: rule } }, axisTick: { show: false },
      axisLabel: { color: soft, hideOverlap: !all, interval: all ? 0 : "auto", width: across ? 120 : undefined, overflow: "truncate" }, inverse: across };
    var values = { type: "value", splitLine: { lineStyle: { color: rule } }, axisLabel: { color: soft, formatter: figures } };
    return {
      color: palette(), animationDuration: 300,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: soft },
      aria: { enabled: false },
      tooltip: { trigger: pie ? "item" : "axis", renderMode: "richText", axisPointer: { type: "shadow" }, backgroundColor: colour("--paper-high"),
        borderColor: colour("--rule-strong"), textStyle: { color: colour("--ink") },
        valueFormatter: function (value) { return figures(value) + (data.unit ? " " + data.unit : ""); } },
      legend: pie || data.series.length > 1 ? { type: "scroll", bottom: 0, textStyle: { color: soft }, icon: "circle", itemWidth: 8, itemHeight: 8 } : undefined,
      grid: pie ? undefined : { left: 8, right: 16, top: 12, bottom: data.series.length > 1 ? 32 : 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
      xAxis: pie ? undefined : (across ? values : names),
      yAxis: pie ? undefined : (across ? names : values),
      series: data.series.map(function (series) { return drawnSeries(data, series); })
    };
  }
  function drawnSeries(data, series) {
    var cursor = series.links ? "pointer" : "default";
    if (data.kind === "pie") {
      return { type: "pie", name: series.name, radius: ["48%", "72%"], center: ["50%", "44%"], cursor: cursor, label: { show: false },
        itemStyle: { borderColor: colour("--paper"), borderWidth: 2 },
        data: data.labels.map(function (label, index) { return { name: label, value: series.data[index] }; }) };
    }
    return { type: data.kind === "line" ? "line" : "bar", name: series.name, data: series.data, cursor: cursor, barMaxWidth: 22, symbolSize: 5,
      stack: data.stacked ? "all" : undefined, itemStyle: { borderRadius: data.kind === "bar" ? 2 : 0 } };
  }

  /* The same figures as a table, for those who cannot see the picture. */
  function table(box, data) {
    var body = box.closest(".chart") && box.closest(".chart").querySelector("[data-chart-table] tbody");
    if (!body) return;
    body.replaceChildren.apply(body, data.labels.map(function (label, index) {
      var row = document.createElement("tr");
      var head = document.createElement("th");
      head.scope = "row";
      head.textContent = label;
      row.append(head);
      data.series.forEach(function (series) {
        var cell = document.createElement("td");
        cell.className = "number";
        cell.textContent = figures(series.data[index]);
        row.append(cell);
      });
      return row;
    }));
  }
  function say(box, text) {
    var line = document.createElement("p");
    line.className = "blank-value";
    line.textContent = text;
    box.replaceChildren(line);
  }
  function draw(box, data) {
    table(box, data);
    if (data.kind === "number") {
      var figure = document.createElement("p");
      figure.className = "chart-number";
      figure.textContent = figures(data.series[0].data[0]) + (data.unit ? " " + data.unit : "");
      box.replaceChildren(figure);
      return null;
    }
    if (!data.labels.length) { say(box, window.Steward.words.no_figures); return null; }
    return echarts().then(function (library) {
      box.replaceChildren();
      var chart = library.init(box, null, { renderer: "canvas" });
      chart.setOption(options(data));
      chart.on("click", function (event) {
        var links = data.series[event.seriesIndex].links;
        if (links && links[event.dataIndex]) location.href = links[event.dataIndex];
      });
      new ResizeObserver(function () { chart.resize(); }).observe(box);
      drawn.push({ chart: chart, data: data, box: box });
    });
  }
  function start(scope) {
    scope.querySelectorAll("[data-chart-url]").forEach(function (box) {
      if (box.dataset.started) return;
      box.dataset.started = "1";
      fetch(box.dataset.chartUrl, { headers: { Accept: "application/json" }, credentials: "same-origin" })
        .then(function (answer) { if (!answer.ok) throw new Error(answer.status); return answer.json(); })
        .then(function (data) { return draw(box, data); })
        .catch(function () { say(box, window.Steward.words.failed); });
    });
  }
  document.addEventListener("steward:prepare", function (event) { start(event.detail); });
  document.documentElement.addEventListener("themechange", function () {
    drawn = drawn.filter(function (one) { return one.box.isConnected; });
    drawn.forEach(function (one) { one.chart.setOption(options(one.data), true); });
  });
})();
