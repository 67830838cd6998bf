/* What a list does beside htmx: sorting by several columns. */
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
