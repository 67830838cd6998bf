/* Selects with a search box (Tom Select): references searched on the server, tags that can be made by typing.
   select[data-picker-url]   asks data-picker-url?q=…; the answer is {"results": [{"value", "text", "hint"?}]}
   [data-picker-create]      a text that was not found may be taken as a new value
   select[data-picker]       searches among its own options
   [data-tags]               tags: several, made by typing; an <input> holds them separated by commas */
(function () {
  "use strict";
  var words = window.Steward.words;

  function escaped(text) {
    var box = document.createElement("span");
    box.textContent = text;
    return box.innerHTML;
  }
  function option(data) {
    return "<div>" + escaped(data.text) + (data.hint ? '<span class="option-hint">' + escaped(data.hint) + "</span>" : "") + "</div>";
  }
  function loader(url) {
    return function (query, done) {
      var picker = this;
      var address = new URL(url, location.href);
      address.searchParams.set("q", query);
      fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" })
        .then(function (answer) { if (!answer.ok) throw new Error(answer.status); return answer.json(); })
        .then(function (body) {
          /* An answer that comes after more was typed is no answer to what is asked now. */
          done(query === picker.inputValue() ? body.results || [] : []);
        })
        .catch(function () { window.Steward.toast(words.failed, "danger"); done(); });
    };
  }
  function settings(element) {
    var several = element.multiple || element.hasAttribute("data-tags");
    var url = element.dataset.pickerUrl;
    var made = element.hasAttribute("data-picker-create") || element.hasAttribute("data-tags");
    var chosen = {
      plugins: several ? ["remove_button"] : (element.required ? [] : ["clear_button"]),
      valueField: "value", labelField: "text", searchField: url ? [] : ["text"],
      create: made, createOnBlur: element.hasAttribute("data-tags"), persist: false, maxOptions: 200,
      placeholder: element.dataset.placeholder || element.getAttribute("placeholder") || "",
      hidePlaceholder: true, closeAfterSelect: !several, loadThrottle: 200, copyClassesToDropdown: false,
      render: {
        option: option,
        item: function (data) { return "<div>" + escaped(data.text) + "</div>"; },
        no_results: function () { return '<div class="no-results">' + escaped(words.none_found) + "</div>"; },
        option_create: function (data) { return '<div class="create">' + escaped(words.create.replace("{text}", data.input)) + "</div>"; },
        not_loading: function () { return null; },
        loading: function () { return '<div class="no-results">' + escaped(words.searching) + "</div>"; }
      },
      /* Its own options are at hand: what is typed narrows them before Enter can choose the wrong one. */
      refreshThrottle: url ? 300 : 0,
      onItemAdd: function () { this.setTextboxValue(""); this.refreshOptions(false); }
    };
    if (several) chosen.plugins = { remove_button: { title: words.remove } };
    else if (!element.required) chosen.plugins = { clear_button: { title: words.clear } };
    if (url) {
      chosen.load = loader(url);
      chosen.preload = "focus";
      /* The server has searched (pinyin, initials, …): its answer stands as it is. */
      chosen.score = function () { return function () { return 1; }; };
      chosen.onType = function () { this.clearOptions(); };
    }
    return chosen;
  }
  function start(scope) {
    var found = Array.from(scope.querySelectorAll("select[data-picker-url],select[data-picker],[data-tags]"));
    if (scope.matches && scope.matches("select[data-picker-url],select[data-picker],[data-tags]")) found.push(scope);
    found.forEach(function (element) {
      if (element.tomselect) return;
      var picker = new window.TomSelect(element, settings(element));
      element.setAttribute("aria-hidden", "true");  /* the box beside it is the control now */
      var described = element.getAttribute("aria-describedby");
      if (described) picker.control_input.setAttribute("aria-describedby", described);
      if (element.getAttribute("aria-label")) picker.control_input.setAttribute("aria-label", element.getAttribute("aria-label"));
    });
  }
  document.addEventListener("steward:prepare", function (event) { start(event.detail); });
})();
