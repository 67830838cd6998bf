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

  /* Long numbers along an axis: 1500万, 15M. */
  function short(value) { return Number(value).toLocaleString(document.documentElement.lang, { notation: "compact" }); }

  function options(data) {
    var soft = colour("--ink-soft");
    var rule = colour("--rule");
    var pie = data.kind === "pie";
    var across = data.kind === "bar" && !data.time && (data.labels.length > 8 || data.labels.some(function (label) { return label.length > 6; }));
    var all = across && data.labels.length <= 20;
    var names = { type: "category", data: data.labels, axisLine: { lineStyle: { color: rule } }, axisTick: { show: false },
      axisLabel: { color: soft, hideOverlap: !all, interval: all ? 0 : "auto", width: across ? 120 : undefined, overflow: "truncate" }, inverse: across };
    var values = { type: "value", max: data.stacked && data.unit === "%" ? 100 : null, splitLine: { lineStyle: { color: rule } }, axisLabel: { color: soft, formatter: short, hideOverlap: true } };
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
      connectNulls: false, stack: data.stacked ? "all" : undefined, areaStyle: data.stacked && data.kind === "line" ? { opacity: .18 } : undefined, itemStyle: { borderRadius: data.kind === "bar" ? 2 : 0 } };
  }

  function element(name, text, properties) {
    var made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return Object.assign(made, properties || {});
  }
  function link(text, href) {
    return href ? element("a", text, { href: href }) : document.createTextNode(text);
  }
  /* The same figures as a table, for those who cannot see the picture; its figures lead where the bars do. */
  function table(figure, data) {
    var body = figure.querySelector("[data-chart-table] tbody");
    var head = figure.querySelector("[data-chart-head]");
    if (!body || !head) return;
    var heads = element("tr");
    heads.append.apply(heads, [data.heading || ""].concat(data.series.map(function (series) { return series.name; })).map(function (name, place) {
      return element("th", name, { scope: "col", className: place ? "number" : "" });
    }));
    head.replaceChildren(heads);
    body.replaceChildren.apply(body, data.labels.map(function (label, index) {
      var row = element("tr");
      row.append(element("th", label, { scope: "row" }));
      data.series.forEach(function (series) {
        var cell = element("td", undefined, { className: "number" });
        var value = series.data[index];
        cell.append(link(figures(value) || "–", value !== null && series.links ? series.links[index] : null));
        row.append(cell);
      });
      return row;
    }));
  }
  function notes(figure, data) {
    var list = figure.querySelector("[data-chart-notes]");
    if (!list || !data.notes) return;
    list.hidden = !data.notes.length;
    list.replaceChildren.apply(list, data.notes.map(function (note) {
      var line = element("li");
      line.append(link(note.text, note.href));
      return line;
    }));
  }
  function unit(figure, data) {
    var caption = figure.querySelector("figcaption");
    if (!data.unit || !caption || caption.querySelector(".chart-unit") || caption.textContent.indexOf(data.unit) >= 0) return;
    caption.append(" ", element("span", data.unit, { className: "chart-unit" }));
  }
  function say(box, text, empty) {
    var line = element("p", text, { className: "blank-value" });
    if (empty && empty.href) line.append(" ", link(empty.label, empty.href));
    box.replaceChildren(line);
    box.removeAttribute("role"); // no picture now: a link in it must be reachable
    box.removeAttribute("aria-label");
  }
  function draw(box, data) {
    var whole = box.closest(".chart");
    if (whole) { table(whole, data); notes(whole, data); unit(whole, data); }
    if (data.empty || !data.labels.length) {
      say(box, data.empty ? data.empty.text : window.Steward.words.no_figures, data.empty);
      return null;
    }
    if (data.kind === "number") {
      var value = data.series[0].data[0];
      var number = element("p", undefined, { className: "chart-number" });
      number.append(link(value === null ? "–" : figures(value), data.series[0].links && data.series[0].links[0]));
      box.replaceChildren(number);
      return null;
    }
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
  /* Graphs: every [data-graph] holds nodes and links; beside it stands the same as a table. */
  function graph(box) {
    if (box.dataset.started) return;
    box.dataset.started = "1";
    var data = JSON.parse(box.dataset.graph);
    echarts().then(function (library) {
      var chart = library.init(box, null, { renderer: "canvas" });
      var entry = { chart: chart, box: box, options: function () { return graphOptions(data, box.clientWidth, box.clientHeight); } };
      chart.on("click", function (event) {
        if (event.dataType === "node" && event.data.href) location.href = event.data.href;
      });
      new ResizeObserver(function () { chart.resize(); chart.setOption(entry.options(), true); }).observe(box);
      drawn.push(entry);
    });
  }
  /* The record in the middle, what it is linked to around it, what those are linked to farther out, each near its own. */
  function angles(nodes, links) {
    var found = {};
    function near(node) {
      var link = links.find(function (one) { return (one.source === node.id && one.target in found) || (one.target === node.id && one.source in found); });
      return link ? found[link.source === node.id ? link.target : link.source] : 0;
    }
    [1, 2].forEach(function (step) {
      var ring = nodes.filter(function (node) { return node.step === step; });
      if (step > 1) ring.sort(function (one, other) { return near(one) - near(other); });
      var turn = step > 1 && ring.length ? near(ring[0]) : -Math.PI / 2;
      ring.forEach(function (node, place) { found[node.id] = turn + 2 * Math.PI * place / ring.length; });
    });
    return found;
  }
  function graphOptions(data, width, height) {
    var ink = colour("--ink"), soft = colour("--ink-soft"), accent = colour("--accent");
    var turned = angles(data.nodes, data.links);
    var rings = data.nodes.some(function (node) { return node.step > 1; }) ? 2 : 1;
    var across = Math.max(width / 2 - 80, 60), down = Math.max(height / 2 - 36, 40);
    var nodes = data.nodes.map(function (node) {
      var far = node.step === rings ? 1 : node.step * 0.62, angle = turned[node.id] || 0;
      return { id: node.id, name: node.name, href: node.href, x: width / 2 + far * across * Math.cos(angle), y: height / 2 - 8 + far * down * Math.sin(angle),
        symbolSize: node.step ? 14 : 22, cursor: "pointer", itemStyle: { color: node.step ? soft : accent } };
    });
    /* Two unseen corners keep the picture at its own scale. */
    [[0, 0], [width, height]].forEach(function (corner, place) {
      nodes.push({ id: "corner" + place, name: "", x: corner[0], y: corner[1], symbolSize: 0, label: { show: false }, silent: true });
    });
    return {
      animation: false, textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      series: [{
        type: "graph", layout: "none", roam: false, left: 0, top: 0, width: width, height: height, edgeSymbol: ["none", "arrow"], edgeSymbolSize: 7,
        label: { show: true, position: "bottom", color: ink, width: width < 500 ? 84 : 130, overflow: "truncate" },
        edgeLabel: { show: width >= 500, color: soft, fontSize: 11, formatter: function (edge) { return edge.data.word; } },
        lineStyle: { color: soft }, emphasis: { focus: "adjacency" }, data: nodes, links: data.links
      }]
    };
  }
  document.addEventListener("steward:prepare", function (event) {
    start(event.detail);
    event.detail.querySelectorAll("[data-graph]").forEach(graph);
  });
  document.documentElement.addEventListener("themechange", function () {
    drawn = drawn.filter(function (one) { return one.box.isConnected; });
    drawn.forEach(function (one) { one.chart.setOption(one.options ? one.options() : options(one.data), true); });
  });
})();
