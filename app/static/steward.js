/* What every page does beside htmx: CSRF, theme, navigation, toasts, unsaved input, selected rows.
   No framework. Everything hangs on data- attributes, so that parts fetched by htmx work like parts of the page. */
(function () {
  "use strict";
  var root = document.documentElement;
  var words = JSON.parse((document.getElementById("words") || {}).textContent || "{}");
  var year = 60 * 60 * 24 * 365;

  function remember(name, value) {
    document.cookie = name + "=" + encodeURIComponent(value) + ";path=/;max-age=" + year + ";samesite=lax" +
      (location.protocol === "https:" ? ";secure" : "");
  }
  function token() {
    var meta = document.querySelector('meta[name="csrf-token"]');
    return meta ? meta.content : "";
  }

  /* htmx: the CSRF token on every request that writes, and a word when one fails. */
  document.addEventListener("htmx:configRequest", function (event) {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token();
  });
  document.addEventListener("htmx:responseError", function (event) {
    var message = words.failed;
    try { message = JSON.parse(event.detail.xhr.responseText).message || message; } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    toast(message, "danger");
  });
  document.addEventListener("htmx:sendError", function () { toast(words.offline, "danger"); });
  document.addEventListener("toast", function (event) {
    toast(event.detail.message, event.detail.kind, event.detail.undo);
  });
  document.addEventListener("htmx:afterSwap", function (event) { prepare(event.detail.elt); });

  /* The panel above a list is closed with the keyboard in it: back to the button that opened it. Escape closes it. */
  var opener = "filter-open";
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (event.target.matches && event.target.matches("[aria-controls=filter-panel]")) opener = event.target.id;
  });
  document.addEventListener("keydown", function (event) {
    var panel = event.key === "Escape" && event.target.closest && event.target.closest("#filter-panel");
    var close = panel && !event.defaultPrevented && panel.querySelector("[data-close-panel]");
    if (close && !panel.querySelector(".dropdown-menu.show")) close.click();
  });
  document.addEventListener("htmx:afterSettle", function () {
    var panel = document.getElementById("filter-panel"), button = document.getElementById(opener);
    if (panel && button && !panel.firstElementChild && document.activeElement === document.body) button.focus();
  });

  /* From the summary of a form's errors to the field: pickers stand where a hidden select is. */
  document.addEventListener("click", function (event) {
    var link = event.target.closest("[data-goes-to]");
    var field = link && document.getElementById(link.dataset.goesTo);
    if (!field) return;
    event.preventDefault();
    var wanted = field.tomselect ? field.tomselect.control_input : field;
    if (!wanted.matches("input, select, textarea")) wanted = field.querySelector("input, select, textarea") || field;
    (field.closest(".field") || field).scrollIntoView({ block: "center" });
    wanted.focus({ preventScroll: true });
  });

  /* Theme and navigation: kept in a cookie, so that the server draws the next page right at once. */
  function chooseTheme(choice) {
    root.setAttribute("data-theme-choice", choice);
    remember("theme", choice);
    window.StewardTheme.settle();
    document.querySelectorAll("[data-theme-value]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.themeValue === choice));
    });
  }
  function foldSidebar(button) {
    var narrow = root.dataset.sidebar !== "narrow";
    root.dataset.sidebar = narrow ? "narrow" : "wide";
    button.setAttribute("aria-expanded", String(!narrow));
    remember("sidebar", root.dataset.sidebar);
  }

  /* Toasts: gone after a while, not while somebody points at one or it can undo something (then later). */
  function toast(message, kind, undo) {
    var line = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    line.className = "toast-line toast-" + (kind || "info");
    line.querySelector(".toast-text").textContent = message;
    var form = line.querySelector("[data-toast-undo]");
    if (undo) form.action = undo; else form.remove();
    document.getElementById("toasts").append(line);
    watchToast(line);
  }
  function watchToast(line) {
    if (line.dataset.watched) return;
    line.dataset.watched = "1";
    var seconds = line.querySelector("[data-toast-undo]") ? 20 : 6;
    if (line.classList.contains("toast-danger")) seconds = 30;
    var timer = null;
    function start() { timer = setTimeout(function () { line.remove(); }, seconds * 1000); }
    ["mouseenter", "focusin"].forEach(function (name) { line.addEventListener(name, function () { clearTimeout(timer); }); });
    ["mouseleave", "focusout"].forEach(function (name) { line.addEventListener(name, start); });
    start();
  }

  /* A destructive act is confirmed by a second click on the same button. */
  function confirmed(button) {
    if (button.classList.contains("confirming")) return true;
    var label = button.querySelector("span") || button;
    var before = label.textContent;
    button.classList.add("confirming");
    label.textContent = button.dataset.confirm;
    function back() {
      button.classList.remove("confirming");
      label.textContent = before;
    }
    button.addEventListener("blur", back, { once: true });
    setTimeout(back, 5000);
    return false;
  }

  /* Rows: a click anywhere opens the record; ticks bring up the bar of what can be done with them. */
  function openRow(event, row) {
    if (event.target.closest("a,button,input,select,textarea,label,summary,[data-tick]")) return;
    if (String(window.getSelection())) return;
    if (event.ctrlKey || event.metaKey || event.button === 1) window.open(row.dataset.href, "_blank", "noopener");
    else location.href = row.dataset.href;
  }
  function showTicks() {
    var ticks = Array.from(document.querySelectorAll("[data-tick]"));
    var picked = ticks.filter(function (tick) { return tick.checked; });
    ticks.forEach(function (tick) {
      var row = tick.closest("tr");
      if (row) row.classList.toggle("picked", tick.checked);
    });
    document.querySelectorAll("[data-tick-all]").forEach(function (all) {
      all.checked = picked.length > 0 && picked.length === ticks.length;
      all.indeterminate = picked.length > 0 && picked.length < ticks.length;
    });
    document.querySelectorAll("[data-bulk]").forEach(function (bar) {
      bar.hidden = picked.length === 0;
      var count = bar.querySelector("[data-bulk-count]");
      if (count) count.textContent = count.dataset.words.replace("{n}", picked.length);
      var matching = bar.querySelector("[data-bulk-matching]");
      if (matching) matching.hidden = picked.length !== ticks.length;
    });
    document.querySelectorAll("[data-bulk-all]").forEach(function (input) { input.value = ""; });
  }
  /* Not only the rows of this page but all that the list's address selects; any tick takes it back. */
  function selectMatching(button) {
    document.querySelectorAll("[data-bulk-all]").forEach(function (input) { input.value = "1"; });
    var count = button.closest("[data-bulk]").querySelector("[data-bulk-count]");
    count.textContent = button.dataset.words;
    button.hidden = true;
    count.setAttribute("tabindex", "-1");
    count.focus();
  }
  function tickAll(on) {
    document.querySelectorAll("[data-tick]").forEach(function (tick) { tick.checked = on; });
    showTicks();
  }

  document.addEventListener("click", function (event) {
    var hit = function (selector) { return event.target.closest(selector); };
    var target;
    if ((target = hit("[data-confirm]")) && !confirmed(target)) { event.preventDefault(); event.stopPropagation(); return; }
    if ((target = hit("[data-theme-value]"))) chooseTheme(target.dataset.themeValue);
    else if ((target = hit("[data-sidebar-toggle]"))) foldSidebar(target);
    else if ((target = hit("[data-toast-close]"))) target.closest("[data-toast]").remove();
    else if (hit("[data-bulk-clear]")) tickAll(false);
    else if ((target = hit("[data-bulk-matching]"))) selectMatching(target);
    else if ((target = hit("[data-copy]"))) copy(target);
    else if ((target = hit("tr[data-href]"))) openRow(event, target);
  }, true);
  /* Text that a cell cuts off is shown whole on hover. */
  document.addEventListener("mouseover", function (event) {
    var cell = event.target.closest(".grid td, .grid th, .sidebar-link span");
    if (cell && !cell.title && cell.scrollWidth > cell.clientWidth) cell.title = cell.textContent.trim();
  });
  document.addEventListener("auxclick", function (event) {
    var row = event.target.closest("tr[data-href]");
    if (row && event.button === 1) openRow(event, row);
  });
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-tick-all]")) tickAll(event.target.checked);
    else if (event.target.matches("[data-tick]")) showTicks();
    else if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
  function copy(button) {
    navigator.clipboard.writeText(button.dataset.copy).then(function () { toast(words.copied, "success"); });
  }

  /* Unsaved input: asked before it is lost. A form that came back with errors counts as unsaved. */
  var leaving = false;
  function state(form) { return new URLSearchParams(new FormData(form)).toString(); }
  function dirty() {
    return Array.from(document.querySelectorAll("form[data-dirty]")).some(function (form) {
      return form.dataset.before !== undefined && (form.dataset.before !== state(form) || form.querySelector("[aria-invalid]"));
    });
  }
  window.addEventListener("beforeunload", function (event) { if (!leaving && dirty()) event.preventDefault(); });
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.matches("[data-dirty]")) leaving = true;
    if (form.dataset.sent && !form.hasAttribute("hx-post")) event.preventDefault();
    else if (!form.hasAttribute("hx-post")) form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", function () {
    leaving = false;
    document.querySelectorAll("form[data-sent]").forEach(function (form) { delete form.dataset.sent; });
  });

  function prepare(scope) {
    scope.querySelectorAll("[data-toast]").forEach(watchToast);
    scope.querySelectorAll("form[data-dirty]").forEach(function (form) {
      if (form.dataset.before === undefined) form.dataset.before = state(form);
    });
    var first = scope.querySelector("[data-focus]");
    if (first) first.focus();
    showTicks();
    document.dispatchEvent(new CustomEvent("steward:prepare", { detail: scope }));
  }
  window.Steward = { toast: toast, token: token, words: words, prepare: prepare, remember: remember };
  /* The other files listen for "steward:prepare"; they are all deferred, so they are there by now. */
  document.addEventListener("DOMContentLoaded", function () { prepare(document); });
})();
