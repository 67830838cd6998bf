/* What a list does beside htmx: sorting by several columns, choosing columns. */
(function () {
  "use strict";
  /* Shift and a click, or Shift-Enter: the list is sorted by this column as well. */
  document.addEventListener("click", function (event) {
    var link = event.shiftKey && event.target.closest("a[data-add-href]");
    if (!link) return;
    event.preventDefault();
    event.stopPropagation();
    window.getSelection().removeAllRanges();
    window.htmx.ajax("GET", link.dataset.addHref, { source: link, target: "#list-table", swap: "outerHTML" });
  }, true);
})();

/* The columns of a list, put in order: by the buttons beside each, or by dragging. */
(function () {
  "use strict";
  var dragged = null;
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-move]"), line = button && button.closest("li");
    if (!line) return;
    var up = button.dataset.move === "up", other = up ? line.previousElementSibling : line.nextElementSibling;
    if (!other) return;
    if (up) other.before(line); else other.after(line);
    button.focus();
  });
  document.addEventListener("dragstart", function (event) {
    dragged = event.target.closest && event.target.closest(".column-choices li");
  });
  document.addEventListener("dragover", function (event) {
    var line = dragged && event.target.closest(".column-choices li");
    if (!line || line === dragged) return;
    event.preventDefault();
    var place = line.getBoundingClientRect();
    if (event.clientY < place.top + place.height / 2) line.before(dragged); else line.after(dragged);
  });
  document.addEventListener("drop", function (event) { if (dragged) event.preventDefault(); });
  document.addEventListener("dragend", function () { dragged = null; });
})();
