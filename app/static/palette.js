/* The search box as a combobox: records, pages and actions under it while one types. Without this file it is a search box. */
(function () {
  "use strict";
  var input = document.getElementById("global-search");
  if (!input || !document.getElementById("palette")) return;
  var box = document.getElementById("palette"), list = document.getElementById("palette-list");
  var status = document.getElementById("palette-status");
  var active = null, drawn = null, asking = null, timer = null, wanted = false;

  function options() { return Array.from(list.querySelectorAll("[role=option]:not([aria-disabled])")); }
  function choose(option) {
    if (active) active.setAttribute("aria-selected", "false");
    active = option || null;
    if (!active) { input.removeAttribute("aria-activedescendant"); return; }
    active.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", active.id);
    active.scrollIntoView({ block: "nearest" });
  }
  function close() {
    if (asking) asking.abort();
    clearTimeout(timer);
    asking = drawn = null;
    wanted = false;
    choose(null);
    box.hidden = true;
    list.textContent = status.textContent = "";
    input.setAttribute("aria-expanded", "false");
  }
  function draw(words, text) {
    list.innerHTML = text;
    drawn = words;
    box.hidden = false;
    input.setAttribute("aria-expanded", "true");
    var found = options();
    active = null;
    choose(words ? found[0] : null);
    status.textContent = found.length ? String(found.length) : window.Steward.words.none_found;
    if (wanted) go();
  }
  function ask() {
    var words = input.value.trim();
    if (asking) asking.abort();
    asking = new AbortController();
    var address = input.form.dataset.palette + "?q=" + encodeURIComponent(words) + "&here=" + encodeURIComponent(location.pathname + location.search);
    fetch(address, { headers: { "HX-Request": "true" }, signal: asking.signal }).then(function (answer) {
      if (answer.status === 401) location.href = answer.headers.get("HX-Redirect");
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.text();
    }).then(function (text) { draw(words, text); }).catch(function (error) {
      if (error.name === "AbortError") return;
      var sent = wanted;
      close();
      if (sent) input.form.submit();
    });
  }
  function open() {
    input.focus();
    input.select();
    if (drawn === null) ask();
  }
  function go() {
    wanted = false;
    if (active) active.click();
    else input.form.submit();
  }
  function move(step) {
    if (drawn === null) { ask(); return; }
    var found = options(), at = found.indexOf(active) + step;
    if (active === null && step < 0) at = found.length - 1;
    choose(found[(at + found.length) % found.length]);
  }

  input.addEventListener("input", function (event) {
    if (event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  });
  input.addEventListener("compositionend", function () { clearTimeout(timer); timer = setTimeout(ask, 120); });
  input.addEventListener("click", function () { if (drawn === null) ask(); });
  input.addEventListener("keydown", function (event) {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(event.key === "ArrowDown" ? 1 : -1); }
    else if (event.key === "Escape") { event.preventDefault(); if (box.hidden) input.blur(); else close(); }
    else if (event.key === "Tab") close();
    else if (event.key === "Enter" && input.value.trim() === drawn && !box.hidden) { event.preventDefault(); go(); }
    else if (event.key === "Enter" && input.value.trim()) {
      /* The list of these words is still on its way: its first line is what Enter means. */
      event.preventDefault();
      wanted = true;
      clearTimeout(timer);
      ask();
    }
  });
  list.addEventListener("mousedown", function (event) { event.preventDefault(); });
  list.addEventListener("click", function (event) {
    var option = event.target.closest("[role=option]");
    if (option) setTimeout(function () { close(); if (option.dataset.themeValue) input.blur(); });
  });
  list.addEventListener("mousemove", function (event) {
    var option = event.target.closest("[role=option]:not([aria-disabled])");
    if (option && option !== active) choose(option);
  });
  document.addEventListener("click", function (event) {
    if (!box.hidden && !input.form.contains(event.target)) close();
  });
  window.addEventListener("pageshow", function () { if (!box.hidden) close(); });
  window.Steward.palette = open;
})();
