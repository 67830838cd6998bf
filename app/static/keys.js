/* The keys of app/engine/keys.py, which every page brings along: what is pressed, what it does, and to what. */
(function () {
  "use strict";
  var source = document.getElementById("keys");
  if (!source) return;
  var table = JSON.parse(source.textContent);
  var before = "", timer = null;

  function typing(element) { return element.closest && element.closest("input:not([type=checkbox],[type=radio]),textarea,select,[contenteditable]"); }
  function off() { return document.cookie.split("; ").indexOf("keys=off") >= 0; }

  var acts = {
    go: function (address) { location.href = address; return true; },
    click: function (selectors) {
      var found = selectors.split("|").map(function (one) { return document.querySelector(one); }).filter(Boolean)[0];
      if (!found) return false;
      found.focus();
      found.click();
      return true;
    },
    row: function (step) {
      var links = Array.from(document.querySelectorAll("#main .grid tr[data-href]")).map(function (row) {
        return row.querySelector("a[href]");
      }).filter(Boolean);
      if (!links.length) return false;
      var row = document.activeElement.closest("tr[data-href]");
      var at = links.findIndex(function (link) { return link.closest("tr") === row; });
      var next = at < 0 ? 0 : Math.min(Math.max(at + Number(step), 0), links.length - 1);
      links[next].focus();
      return true;
    },
    tick: function () {
      var row = document.activeElement.closest("tr"), tick = row && row.querySelector("[data-tick]");
      if (tick) tick.click();
      return Boolean(tick);
    },
    search: function () {
      if (!window.Steward.palette) return false;
      window.Steward.palette();
      return true;
    },
    save: function () {
      var here = document.activeElement.closest("form[data-save-key]");
      var form = here || document.querySelector("form[data-save-key]");
      if (form) form.requestSubmit();
      return Boolean(form);
    },
    help: showKeys,
  };

  function showKeys() {
    var dialog = document.getElementById("keys-dialog");
    if (!dialog) return false;
    fetch(dialog.dataset.from, { headers: { "HX-Request": "true" } }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.text();
    }).then(function (text) {
      dialog.innerHTML = text;
      setSwitches();
      if (!dialog.open) dialog.showModal();
    }).catch(function () { window.Steward.toast(window.Steward.words.failed, "danger"); });
    return true;
  }
  function setSwitches() {
    document.querySelectorAll("[data-keys-switch]").forEach(function (one) { one.checked = !off(); });
  }

  function pressed(event) {
    var command = event.ctrlKey || event.metaKey;
    return (command ? "Control+" + event.key.toLowerCase() : event.key);
  }
  function find(keys) { return table.filter(function (one) { return one[0] === keys; })[0]; }
  function begins(keys) { return table.some(function (one) { return one[0].indexOf(keys + " ") === 0; }); }

  document.addEventListener("keydown", function (event) {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    var key = pressed(event), single = key.indexOf("Control+") !== 0;
    if (single && (off() || typing(event.target) || document.querySelector("dialog[open], .dropdown-menu.show"))) { before = ""; return; }
    if (key === "Shift") return;
    var found = (before && find(before + " " + key)) || find(key);
    var waits = begins(key) && !before;
    before = "";
    clearTimeout(timer);
    if (found && acts[found[1]](found[2])) event.preventDefault();
    else if (waits) {
      before = key;
      timer = setTimeout(function () { before = ""; }, 1500);
    }
  });
  document.addEventListener("click", function (event) {
    var sheet = event.target.closest("dialog.sheet");
    if (sheet && (event.target === sheet || event.target.closest("[data-sheet-close]"))) sheet.close();
  });
  document.addEventListener("change", function (event) {
    if (!event.target.matches("[data-keys-switch]")) return;
    window.Steward.remember("keys", event.target.checked ? "on" : "off");
  });
  document.addEventListener("steward:prepare", setSwitches);
})();
