/* Runs before the first paint: settles light or dark when the person follows the system. */
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function settle() {
    var choice = root.getAttribute("data-theme-choice") || "system";
    var theme = choice === "system" ? (dark.matches ? "dark" : "light") : choice;
    root.setAttribute("data-bs-theme", theme);
    root.dispatchEvent(new CustomEvent("themechange", { detail: theme }));
  }
  settle();
  dark.addEventListener("change", settle);
  window.StewardTheme = { settle: settle };
})();
