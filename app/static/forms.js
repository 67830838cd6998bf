/* A choice that refines another one (a city of a province) offers only what belongs to it.
   select[data-parent-field="id of the other select"], its options with data-parent="value of the other". */
(function () {
  "use strict";
  function all(child) {
    return Object.values(child.tomselect.options).sort(function (one, other) { return one.$order - other.$order; });
  }
  function narrow(child, parent, options) {
    var picker = child.tomselect;
    var fits = function (option) { return !parent.value || option.parent === parent.value; };
    var chosen = options.find(function (option) { return option.value === child.value; });
    if (chosen && !fits(chosen)) picker.clear();
    picker.clearOptions();
    picker.addOptions(options.filter(fits));
    picker.refreshOptions(false);
  }
  function choose(select, value) {
    if (select.tomselect) select.tomselect.setValue(value, true); else select.value = value;
  }
  function start(child) {
    var parent = document.getElementById(child.dataset.parentField);
    if (!parent || !child.tomselect || child.dataset.linked) return;
    child.dataset.linked = "1";
    var options = all(child);
    parent.addEventListener("change", function () { narrow(child, parent, options); });
    child.addEventListener("change", function () {
      var chosen = options.find(function (option) { return option.value === child.value; });
      if (chosen && chosen.parent && !parent.value) choose(parent, chosen.parent);
    });
    narrow(child, parent, options);
  }
  document.addEventListener("steward:prepare", function (event) {
    event.detail.querySelectorAll("select[data-parent-field]").forEach(start);
  });
})();

/* Bulk work. A field that is filled in is one to change; the record that stays keeps its values unless others are chosen. */
(function () {
  "use strict";
  document.addEventListener("change", function (event) {
    var place = event.target.closest(".bulk-value");
    var box = place && place.parentElement.querySelector("[data-changes]");
    if (box) box.checked = true;
    if (event.target.matches(".merge-rows [type=radio]") && !event.target.matches("[data-survivor]")) event.target.closest("tr").dataset.touched = "1";
    if (!event.target.matches("[data-survivor]")) return;
    event.target.closest("tbody").querySelectorAll("tr:not([data-touched])").forEach(function (row) {
      if (row.querySelector("[data-from]") && !row.querySelector("[type=radio]:not([data-from]):checked")) {
        var own = row.querySelector('[data-from="' + event.target.value + '"]');
        if (!own.matches("[data-empty]")) own.checked = true;
      }
    });
  });
})();
